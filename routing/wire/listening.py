"""What an answer says, as it comes: text, tool calls, usage, its end, an error. Pure.

One listener a protocol (chat, messages, responses, completions) hears events of a stream or a whole body, as plain
objects, and never raises: a field of another type than it should have counts as missing. Text and arguments are kept
up to a bound, which is enough to judge an answer by; counts go on.
"""

from __future__ import annotations

from msgspec import Struct

from routing.contracts import Fault, ToolCall, Usage
from routing.wire.bodies import Body, text_of

MAX_KEPT = 2**20  # characters of text, and again of arguments
_BATCHED = 8  # characters that a piece has on average where it is more than one token
_CHARS_A_TOKEN = 4


class Calling(Struct, kw_only=True):
    """A call of a tool that is being written."""

    id: str = ""
    name: str = ""
    arguments: list[str] = []


class Listener:
    """What was heard so far. `finish_reason` is in OpenAI's words, "" until it is known. `is_whole`: the answer came to
    its end; `is_over`: nothing more will come."""

    __slots__ = (
        "_calls",
        "_kept",
        "_text",
        "_thoughts",
        "chars",
        "fault",
        "finish_reason",
        "is_over",
        "is_whole",
        "pieces",
        "provider_call_id",
        "usage",
    )

    def __init__(self) -> None:
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, Calling] = {}
        self._kept = 0
        self.pieces = 0
        self.chars = 0
        self.usage: Usage | None = None
        self.finish_reason = ""
        self.provider_call_id = ""
        self.fault: Fault | None = None
        self.is_whole = False
        self.is_over = False

    def event(self, event: Body) -> None:
        """Hear one event of a stream."""
        raise NotImplementedError

    def body(self, body: Body) -> bool:
        """Hear a whole body; whether it is an answer at all."""
        raise NotImplementedError

    def done(self) -> None:
        """Hear the end that OpenAI's streams have beside their events: [DONE]."""
        self.is_over = True
        self.is_whole = self.is_whole or bool(self.pieces)

    @property
    def text(self) -> str:
        """The text of the answer, refusals included, thoughts not."""
        return "".join(self._text)

    @property
    def thoughts(self) -> str:
        """The reasoning that was shown."""
        return "".join(self._thoughts)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that it calls, in order."""
        return tuple(
            ToolCall(id=call.id, name=call.name, arguments="".join(call.arguments)) for call in self._calls.values()
        )

    @property
    def counted_output(self) -> int:
        """Output tokens by what came: a piece is a token with most servers; where pieces are long, four characters."""
        if self.chars <= _BATCHED * self.pieces:
            return self.pieces
        return max(self.pieces, self.chars // _CHARS_A_TOKEN)

    def says(self, text: str) -> None:
        """A piece of the answer's text."""
        self.spends(text)
        if self._kept < MAX_KEPT:
            self._text.append(text)
            self._kept += len(text)

    def thinks(self, text: str) -> None:
        """A piece of the reasoning that leads to the answer."""
        self.spends(text)
        if self._kept < MAX_KEPT:
            self._thoughts.append(text)
            self._kept += len(text)

    def spends(self, text: str) -> None:
        """A piece that is paid for, whatever it is."""
        self.pieces += 1
        self.chars += len(text)

    def calls(self, place: int, *, id: object = None, name: object = None, arguments: object = None) -> None:  # noqa: A002
        """A piece of the call of a tool at `place`, which tells calls apart."""
        call = self._calls.get(place)
        if call is None:
            call = self._calls[place] = Calling(arguments=[])
        call.id = call.id or text_of(id)
        call.name = call.name or text_of(name)
        if (piece := text_of(arguments)) or name:
            self.spends(piece)
        if piece and self._kept < 2 * MAX_KEPT:
            call.arguments.append(piece)
            self._kept += len(piece)
