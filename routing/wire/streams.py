"""A provider's stream, event by event: what the client gets of it, and what the gateway has to know. Pure.

Each event is parsed once and passes as the bytes it came in, whole or not at all: one that is no JSON is skipped and
counted, and an error is kept back, for the gateway may still begin again with another provider.
"""

from __future__ import annotations

from routing.contracts import Fault, Protocol, ToolCall, Usage
from routing.wire.answers import listener
from routing.wire.bodies import Body, read_object
from routing.wire.messages import MessageListener
from routing.wire.reading import Request
from routing.wire.sending import Prepared, wants_usage
from routing.wire.sse import DONE, EventTooLong, Splitter, data_of, event_of

_END = b"\n\n"
_WITH_DONE = frozenset(("openai.chat", "openai.completions"))


class Relay:
    """One stream on its way from a provider to a client."""

    __slots__ = ("_heard", "_hides_usage", "_protocol", "_splitter", "malformed")

    def __init__(self, request: Request, protocol: Protocol) -> None:
        self._protocol = protocol
        self._heard = listener(protocol, request)
        self._splitter = Splitter()
        self._hides_usage = protocol in _WITH_DONE and not wants_usage(request)
        self.malformed = 0

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets of these bytes, which may be cut anywhere; empty where no event is whole yet."""
        try:
            events = self._splitter.feed(chunk)
        except EventTooLong:
            self._heard.fault = Fault(kind="malformed", message="The provider sent an event without end.", status=200)
            return b""
        out = [event for event in events if self._passes(event)]
        if not out:
            return b""
        out.append(b"")
        return _END.join(out)

    def close(self) -> bytes:
        """What the client still gets when the provider's stream is over: the last event, if it lacked only its empty
        line, and the mark of the end that a client waits for, if the answer is whole."""
        rest = self._splitter.rest()
        out = rest + _END if rest and self._passes(rest) else b""
        if self._heard.is_whole and not self._heard.is_over and self._heard.fault is None:
            self._heard.is_over = True
            out += (
                event_of(DONE) if self._protocol in _WITH_DONE else event_of(b'{"type":"message_stop"}', "message_stop")
            )
        return out

    def _passes(self, event: bytes) -> bool:
        """Hear an event; whether the client gets it."""
        if self._heard.fault is not None:
            return False
        data = data_of(event)
        if not data:
            return True  # a comment, by which a provider says that it lives
        if data == DONE:
            self._heard.done()
            return True
        parsed = read_object(data)
        if parsed is None:
            self.malformed += 1
            return False
        self._heard.event(parsed)
        return self.error is None and not (self._hides_usage and _is_usage(parsed))

    @property
    def saw_first_token(self) -> bool:
        """Whether anything was answered yet: text, a thought, a tool."""
        return self._heard.pieces > 0

    @property
    def is_finished(self) -> bool:
        """Whether the answer came to its end. Its usage may still follow."""
        return self._heard.is_whole

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: there is no need to wait."""
        return self._heard.is_over

    @property
    def error(self) -> Fault | None:
        """The error that came inside the stream."""
        return self._heard.fault

    @property
    def usage(self) -> Usage | None:
        """What the provider says was used; None until it says so."""
        return self._heard.usage

    @property
    def counted_output(self) -> int:
        """Output tokens by what came, for a stream whose usage never comes."""
        return self._heard.counted_output

    @property
    def input_usage(self) -> Usage | None:
        """What a provider says of the input before the answer begins, as Anthropic does; its output is 0."""
        return self._heard.input_usage if isinstance(self._heard, MessageListener) else None

    @property
    def finish_reason(self) -> str:
        """Why the answer ended, in OpenAI's words; "" until it did."""
        return self._heard.finish_reason

    @property
    def text(self) -> str:
        """The text so far, up to a million characters."""
        return self._heard.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls of tools so far."""
        return self._heard.tool_calls

    @property
    def provider_call_id(self) -> str:
        """The provider's own id of the answer."""
        return self._heard.provider_call_id


def stream(request: Request, prepared: Prepared, *, model_name: str) -> Relay:
    """A relay of the stream that answers what was prepared. `model_name`: what a translated answer calls the model."""
    return Relay(request, prepared.protocol)


def _is_usage(event: Body) -> bool:
    """Whether an event is the one that only bears the usage."""
    return bool(event.get("usage")) and event.get("choices") == []
