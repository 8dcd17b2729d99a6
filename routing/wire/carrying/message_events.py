"""A stream of OpenAI's chat, as events of Anthropic's messages. Pure.

Anthropic's blocks follow each other, one open at a time. So the first call of a tool is passed on as it comes, and
others wait until it is over: their pieces may come mixed. The usage is known at the end, and stands in the last
`message_delta`, where the client's library takes all of it from.
"""

from __future__ import annotations

from routing.contracts import ToolCall
from routing.wire.bodies import Body, text_of
from routing.wire.carrying.deltas import Added, added
from routing.wire.carrying.naming import Naming, plain_id, stop_reason
from routing.wire.carrying.whole import call_id, used_by, wants_thoughts
from routing.wire.listening import Calling, Listener
from routing.wire.usage import as_message


class MessageEvents:
    """Events of one message. `asked` is the client's request."""

    __slots__ = ("_calls", "_has_begun", "_index", "_kind", "_later", "_live", "_naming", "_thinks", "_waiting")

    def __init__(self, naming: Naming, asked: Body) -> None:
        self._naming = naming
        self._thinks = wants_thoughts(asked)
        self._has_begun = False
        self._index = -1  # of the newest block
        self._kind = ""  # of the open block; "" where none is open
        self._live = -1  # the place of the call that is passed on as it comes
        self._later: list[str] = []
        self._waiting: dict[int, Calling] = {}
        self._calls = 0

    def event(self, chunk: Body) -> list[Body]:
        """The events of one chunk."""
        out = self._begin(text_of(chunk.get("id")))
        for piece in added(chunk):
            if piece.kind == "call":
                self._call(piece, out)
            elif piece.kind == "text" and self._kind == "call":
                self._later.append(piece.text)  # the call may not be over
            elif piece.kind == "text":
                self._open("text", {"type": "text", "text": ""}, out)
                self._delta({"type": "text_delta", "text": piece.text}, out)
            elif self._thinks:
                self._open("thinking", {"type": "thinking", "thinking": "", "signature": ""}, out)
                self._delta({"type": "thinking_delta", "thinking": piece.text}, out)
            else:
                out.append({"type": "ping"})  # a thought that is not shown: the client hears that it goes on
        return out

    def end(self, heard: Listener) -> list[Body]:
        """The events that end the message."""
        out = self._begin(heard.provider_call_id)
        self._close(out)
        for call in self._waiting.values():
            self._start(call, out)
            self._close(out)
        if self._later:
            self._open("text", {"type": "text", "text": ""}, out)
            self._delta({"type": "text_delta", "text": "".join(self._later)}, out)
            self._close(out)
        reason = stop_reason(heard.finish_reason, has_tools=self._calls > 0)
        delta = {"stop_reason": reason, "stop_sequence": None}
        out.append({"type": "message_delta", "delta": delta, "usage": as_message(used_by(heard))})
        out.append({"type": "message_stop"})
        return out

    def _begin(self, own: str) -> list[Body]:
        if self._has_begun:
            return []
        self._has_begun = True
        message: Body = {
            "id": self._naming.under("msg", own),
            "type": "message",
            "role": "assistant",
            "model": self._naming.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return [{"type": "message_start", "message": message}]

    def _call(self, piece: Added, out: list[Body]) -> None:
        if piece.place == self._live and self._kind == "call":
            self._arguments(piece.text, out)
            return
        call = self._waiting.get(piece.place)
        if call is None:
            call = self._waiting[piece.place] = Calling(arguments=[])
        call.id = call.id or piece.id
        call.name = call.name or piece.name
        if piece.text:
            call.arguments.append(piece.text)
        if self._kind != "call" and call.name:
            self._live = piece.place
            self._start(self._waiting.pop(piece.place), out)

    def _start(self, call: Calling, out: list[Body]) -> None:
        """Open the block of a call, with the arguments that are there."""
        made = ToolCall(id=call.id, name=call.name, arguments="")
        named = plain_id(call_id(made, self._naming, self._calls))
        self._calls += 1
        self._close(out)
        self._open("call", {"type": "tool_use", "id": named, "name": call.name, "input": {}}, out)
        self._arguments("".join(call.arguments), out)

    def _arguments(self, text: str, out: list[Body]) -> None:
        if text:
            self._delta({"type": "input_json_delta", "partial_json": text}, out)

    def _open(self, kind: str, block: Body, out: list[Body]) -> None:
        if self._kind == kind:
            return
        self._close(out)
        self._kind = kind
        self._index += 1
        out.append({"type": "content_block_start", "index": self._index, "content_block": block})

    def _delta(self, delta: Body, out: list[Body]) -> None:
        out.append({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _close(self, out: list[Body]) -> None:
        if self._kind:
            out.append({"type": "content_block_stop", "index": self._index})
        self._kind = ""
