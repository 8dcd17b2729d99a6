"""A stream of OpenAI's chat, as events of a response. Pure. Source: openai 3.57 `lib/streaming/responses`.

Items of the output may be open side by side, so each piece is passed on as it comes. Thoughts have no item: they are
spent, and the client asked for none that it could use.
"""

from __future__ import annotations

from routing.contracts import ToolCall
from routing.wire.bodies import Body, text_of
from routing.wire.carrying.deltas import Added, added
from routing.wire.carrying.naming import Naming, free_input
from routing.wire.carrying.whole import ended, output_call, output_message, output_text, response_body
from routing.wire.listening import Calling, Listener


class _Item:
    """An item of the output: a message, or a call of a tool."""

    __slots__ = ("call", "id", "index", "texts")

    def __init__(self, index: int, call: Calling | None = None) -> None:
        self.index = index
        self.call = call
        self.id = ""
        self.texts: list[str] = []


class ResponseEvents:
    """Events of one response. `asked` is the client's request, `customs` its tools whose input is free text."""

    __slots__ = ("_asked", "_calls", "_customs", "_has_begun", "_items", "_message", "_naming", "_sequence")

    def __init__(self, naming: Naming, asked: Body, customs: frozenset[str]) -> None:
        self._naming = naming
        self._asked = asked
        self._customs = customs
        self._has_begun = False
        self._sequence = 0
        self._items = 0
        self._message: _Item | None = None
        self._calls: dict[int, _Item] = {}

    def event(self, chunk: Body) -> list[Body]:
        """The events of one chunk."""
        out = self._begin(text_of(chunk.get("id")))
        for piece in added(chunk):
            if piece.kind == "text":
                self._text(piece.text, out)
            elif piece.kind == "call":
                self._call(piece, out)
        return out

    def end(self, heard: Listener) -> list[Body]:
        """The events that end the response."""
        out = self._begin(heard.provider_call_id)
        if self._message is None and not self._calls:
            self._text("", out)
        items: list[tuple[int, Body]] = []
        if self._message is not None:
            items.append((self._message.index, self._end_message(self._message, out, ended(heard))))
        for number, item in enumerate(self._calls.values()):
            items.append((item.index, self._end_call(item, number, out)))
        output = [item for _, item in sorted(items, key=lambda pair: pair[0])]
        body = response_body(self._naming, self._asked, heard, output)
        self._say(out, f"response.{body['status']}", response=body)
        return out

    def _begin(self, own: str) -> list[Body]:
        if self._has_begun:
            return []
        self._has_begun = True
        if not self._naming.id and own:
            self._naming = Naming(model=self._naming.model, id=own, created=self._naming.created)
        out: list[Body] = []
        body = response_body(self._naming, self._asked, None, [])
        self._say(out, "response.created", response=body)
        self._say(out, "response.in_progress", response=body)
        return out

    def _say(self, out: list[Body], kind: str, **fields: object) -> None:
        out.append({"type": kind, "sequence_number": self._sequence, **fields})
        self._sequence += 1

    def _new(self, call: Calling | None = None) -> _Item:
        self._items += 1
        return _Item(self._items - 1, call)

    def _text(self, text: str, out: list[Body]) -> None:
        item = self._message
        if item is None:
            item = self._message = self._new()
            shown = output_message(self._naming, "", status="in_progress")
            item.id = shown["id"]
            self._say(out, "response.output_item.added", output_index=item.index, item=shown)
            part = {"item_id": item.id, "output_index": item.index, "content_index": 0}
            self._say(out, "response.content_part.added", **part, part=output_text(""))
        if text:
            item.texts.append(text)
            part = {"item_id": item.id, "output_index": item.index, "content_index": 0}
            self._say(out, "response.output_text.delta", **part, delta=text, logprobs=[])

    def _end_message(self, item: _Item, out: list[Body], status: str) -> Body:
        text = "".join(item.texts)
        part = {"item_id": item.id, "output_index": item.index, "content_index": 0}
        self._say(out, "response.output_text.done", **part, text=text, logprobs=[])
        self._say(out, "response.content_part.done", **part, part=output_text(text))
        shown = output_message(self._naming, text, status=status)
        self._say(out, "response.output_item.done", output_index=item.index, item=shown)
        return shown

    def _call(self, piece: Added, out: list[Body]) -> None:
        item = self._calls.get(piece.place)
        if item is None:
            item = self._calls[piece.place] = self._new(Calling(id=piece.id, name=piece.name, arguments=[]))
            shown = self._shown(item, len(self._calls) - 1, "in_progress")
            item.id = shown["id"]
            self._say(out, "response.output_item.added", output_index=item.index, item=shown)
        elif item.call is not None:
            item.call.name = item.call.name or piece.name
        if piece.text:
            item.texts.append(piece.text)
            if item.call is not None and item.call.name not in self._customs:
                place = {"item_id": item.id, "output_index": item.index}
                self._say(out, "response.function_call_arguments.delta", **place, delta=piece.text)

    def _end_call(self, item: _Item, number: int, out: list[Body]) -> Body:
        shown = self._shown(item, number, "completed")
        place = {"item_id": item.id, "output_index": item.index}
        arguments = "".join(item.texts)
        if shown["type"] == "custom_tool_call":
            text = free_input(arguments)
            self._say(out, "response.custom_tool_call_input.delta", **place, delta=text)
            self._say(out, "response.custom_tool_call_input.done", **place, input=text)
        else:
            self._say(out, "response.function_call_arguments.done", **place, arguments=arguments, name=shown["name"])
        self._say(out, "response.output_item.done", output_index=item.index, item=shown)
        return shown

    def _shown(self, item: _Item, number: int, status: str) -> Body:
        call = item.call or Calling()
        arguments = "".join(item.texts) if status == "completed" else ""
        made = ToolCall(id=call.id, name=call.name, arguments=arguments)
        return output_call(self._naming, number, made, self._customs, status=status)
