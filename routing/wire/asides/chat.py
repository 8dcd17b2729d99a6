"""Calls of our tool, taken out of an answer of a chat. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from routing.contracts import ToolCall
from routing.wire.asides.rounds import END, Round
from routing.wire.asides.shown import Said, Shown
from routing.wire.bodies import Body, object_of, objects_of, place_of, read_object, text_of, written
from routing.wire.sse import DONE, data_of, event_of


class ChatHiding(Round):
    """Takes our calls out of one round of a chat's stream. `may_go_on`: another round may follow this one."""

    def __init__(self, tool: str, shown: Shown, *, may_go_on: bool) -> None:
        super().__init__(tool, shown, may_go_on=may_go_on)
        self._text: list[str] = []
        self._calls: dict[int, Body] = {}

    @property
    def _is_ours_alone(self) -> bool:
        return bool(self._places) and all(place is None for place in self._places.values())

    def said(self) -> Said:
        """What the round came to."""
        calls = [self._calls[index] for index in sorted(self._calls)]
        text = "".join(self._text)
        ours = [call for call in calls if _name(call) == self._tool]
        message: Body = {"role": "assistant", "content": text or None}
        return Said(
            ours=tuple(map(_call, ours)),
            goes_on=self.goes_on,
            message={**message, "tool_calls": calls} if calls else message,
            aside={"role": "assistant", "content": None, "tool_calls": ours},
            shown=self._so_far(),
        )

    def _so_far(self) -> Shown:
        if not (self._before.is_begun or self.is_visible):
            return Shown()
        return Shown(is_begun=True, id=self._id, calls=self._before.calls + self._others, usage=self._usage)

    def _passed(self, event: bytes) -> bytes:
        data = data_of(event)
        if data == DONE:
            return b"" if self.goes_on else event + END
        chunk = read_object(data) if data else None
        if chunk is None:
            return event + END
        shown = self._shown(chunk)
        if shown is chunk:
            return event + END
        return b"" if shown is None else event_of(written(shown))

    def _shown(self, chunk: Body) -> Body | None:
        """A chunk as the client gets it: itself where nothing has to be changed, None where it gets nothing of it."""
        self._id = self._id or text_of(chunk.get("id"))
        shown = chunk
        if chunk.get("usage"):
            if self._usage is None or not self._before.is_begun:
                self._usage = object_of(chunk.get("usage"))
            elif self._before.is_begun:
                shown = {**shown, "usage": self._usage}
        choices = objects_of(chunk.get("choices"))
        if not choices:
            return None if self.goes_on else self._named(shown)
        choice = self._choice(choices[0])
        if choice is None:
            return None
        return self._named(shown if choice is choices[0] else {**shown, "choices": [choice, *choices[1:]]})

    def _named(self, chunk: Body) -> Body:
        """A chunk under the id by which the client knows the answer."""
        return chunk if not self._before.is_begun or chunk.get("id") == self._id else {**chunk, "id": self._id}

    def _choice(self, choice: Body) -> Body | None:
        delta = object_of(choice.get("delta"))
        shown = self._delta(delta)
        reason = text_of(choice.get("finish_reason"))
        if reason:
            self._has_ended = True
            if self.goes_on:
                return None
            if self._is_ours_alone:
                choice = {**choice, "finish_reason": "stop"}
        elif shown is not delta and not (shown.keys() - {"role"}):
            return None
        return choice if shown is delta else {**choice, "delta": shown}

    def _delta(self, delta: Body) -> Body:
        text = text_of(delta.get("content"))
        self._text.append(text)
        self.is_visible |= bool(
            text or delta.get("reasoning_content") or delta.get("reasoning") or delta.get("refusal")
        )
        shown = delta
        if self._before.is_begun and "role" in delta:
            shown = {name: value for name, value in delta.items() if name != "role" and value != ""}
        calls = objects_of(delta.get("tool_calls"))
        if not calls:
            return shown
        visible = [made for number, call in enumerate(calls) if (made := self._called(call, number)) is not None]
        if len(visible) == len(calls) and all(map(dict.__eq__, visible, calls)):
            return shown
        kept = {name: value for name, value in shown.items() if name != "tool_calls"}
        return {**kept, "tool_calls": visible} if visible else kept

    def _called(self, call: Body, number: int) -> Body | None:
        """A piece of a call as the client gets it; None where the call is ours."""
        index = place_of(call.get("index"), number)
        function = object_of(call.get("function"))
        if index not in self._calls:
            self._calls[index] = {
                **{name: value for name, value in call.items() if name != "index"},
                "function": {"name": text_of(function.get("name")), "arguments": ""},
            }
            is_ours = function.get("name") == self._tool
            self._places[index] = None if is_ours else self._before.calls + self._others
        kept = self._calls[index]["function"]
        kept["arguments"] += text_of(function.get("arguments"))
        place = self._places[index]
        self.is_visible |= place is not None
        return None if place is None else {**call, "index": place}


def chat_taken(tool: str, body: Body, shown: Shown, *, may_go_on: bool) -> tuple[Body, Said]:
    """A whole answer as the client gets it, with what was said in the rounds before it, and what it came to."""
    choices = objects_of(body.get("choices"))
    choice = choices[0] if choices else {}
    message = object_of(choice.get("message"))
    calls = objects_of(message.get("tool_calls"))
    ours = [call for call in calls if _name(call) == tool]
    others = [call for call in calls if _name(call) != tool]
    text = text_of(message.get("content"))
    told = replace(shown, texts=(*shown.texts, text) if text else shown.texts)
    said = Said(
        ours=tuple(map(_call, ours)),
        goes_on=may_go_on and bool(ours) and not others,
        message=message,
        aside={"role": "assistant", "content": None, "tool_calls": ours},
        shown=told,
    )
    if not ours and not shown.texts:
        return body, said
    whole = {**message, "content": "\n".join(told.texts) or None}
    whole.pop("tool_calls", None)
    made = {**choice, "message": {**whole, "tool_calls": others} if others else whole}
    if ours and not others:
        made["finish_reason"] = "stop"
    return {**body, "choices": [made, *choices[1:]]}, said


def _name(call: Body) -> str:
    return text_of(object_of(call.get("function")).get("name"))


def _call(call: Body) -> ToolCall:
    return ToolCall(
        id=text_of(call.get("id")),
        name=_name(call),
        arguments=text_of(object_of(call.get("function")).get("arguments")),
    )
