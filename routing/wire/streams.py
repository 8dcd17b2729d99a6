"""A provider's stream, event by event: what the client gets of it, and what the gateway has to know. Pure.

Each event is parsed once. Within one protocol it passes as the bytes it came in, whole or not at all; else it is said
in the client's own protocol. An event that is no JSON is skipped and counted, and an error is kept back, for the
gateway may still begin again with another provider.
"""

from __future__ import annotations

from typing import Protocol as Shape

from routing.contracts import Fault, ToolCall, Usage
from routing.wire.answers import listener
from routing.wire.bodies import BadRequest, Body, read_object, written
from routing.wire.carrying.chat_events import ChatEvents
from routing.wire.carrying.message_events import MessageEvents
from routing.wire.carrying.naming import Naming
from routing.wire.carrying.response_events import ResponseEvents
from routing.wire.carrying.responses_to_chat import custom_tools
from routing.wire.listening import Listener
from routing.wire.messages import MessageListener
from routing.wire.reading import Request
from routing.wire.sending import Prepared, wants_usage
from routing.wire.sse import DONE, EventTooLong, Splitter, data_of, event_of

_END = b"\n\n"
_WITH_DONE = frozenset(("openai.chat", "openai.completions"))


class _Step(Shape):
    """One protocol's events made of another's."""

    def event(self, event: Body) -> list[Body]: ...

    def end(self, heard: Listener) -> list[Body]: ...


class Relay:
    """One stream on its way from a provider to a client, in the protocol of both."""

    __slots__ = ("_heard", "_hides_usage", "_protocol", "_splitter", "malformed")

    def __init__(self, request: Request, prepared: Prepared) -> None:
        self._protocol = prepared.protocol
        self._heard = listener(prepared.protocol, request)
        self._splitter = Splitter()
        self._hides_usage = prepared.protocol in _WITH_DONE and not wants_usage(request)
        self.malformed = 0

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets of these bytes, which may be cut anywhere; empty where no event is whole yet."""
        try:
            return self._passed(self._splitter.feed(chunk))
        except (EventTooLong, BadRequest):
            self._heard.fault = Fault(kind="malformed", message="The provider sent an event without end.", status=200)
            return b""

    def close(self) -> bytes:
        """What the client still gets when the provider's stream is over: the last event, if it lacked only its empty
        line, and the mark of the end that a client waits for, if the answer is whole."""
        rest = self._splitter.rest()
        out = self._passed([rest]) if rest else b""
        if self._heard.is_whole and not self._heard.is_over and self._heard.fault is None:
            self._heard.is_over = True
            out += self._mark()
        return out

    def _passed(self, events: list[bytes]) -> bytes:
        out = [event for event in events if self._passes(event)]
        if not out:
            return b""
        out.append(b"")
        return _END.join(out)

    def _passes(self, event: bytes) -> bool:
        """Hear an event; whether the client gets it."""
        parsed = self._hear(event)
        if type(parsed) is not dict:
            return parsed is None
        return self._heard.fault is None and not (self._hides_usage and _is_usage(parsed))

    def _hear(self, event: bytes) -> Body | bool | None:
        """The object of an event, heard; None for a comment, by which a provider says that it lives, and for [DONE];
        False for what nobody should get."""
        if self._heard.fault is not None:
            return False
        data = data_of(event)
        if not data:  # a name alone is nothing, and one library takes it for an answer that is no JSON
            return None if event.startswith(b":") and b"\n" not in event else False
        if data == DONE:
            self._heard.done()
            return None
        parsed = read_object(data)
        if parsed is None:
            self.malformed += 1
            return False
        self._heard.event(parsed)
        return parsed

    def _mark(self) -> bytes:
        """The mark of the end, in a stream that lacks it."""
        if self._protocol in _WITH_DONE:
            return event_of(DONE)
        return event_of(b'{"type":"message_stop"}', "message_stop")

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


class CarriedRelay(Relay):
    """One stream on its way to a client that speaks another protocol than the provider."""

    __slots__ = ("_has_ended", "_is_chat", "_steps")

    def __init__(self, request: Request, prepared: Prepared, naming: Naming) -> None:
        super().__init__(request, prepared)
        self._is_chat = request.protocol == "openai.chat"
        self._steps = _steps(request, prepared, naming)
        self._has_ended = False

    def _passed(self, events: list[bytes]) -> bytes:
        out: list[bytes] = []
        for event in events:
            parsed = self._hear(event)
            if type(parsed) is dict and self._heard.fault is None:
                out += self._said(parsed)
            elif parsed is None and data_of(event) != DONE:
                out.append(event + _END)
            if self._heard.is_over and self._heard.is_whole and self._heard.fault is None:
                out.append(self._mark())
        return b"".join(out)

    def _mark(self) -> bytes:
        if self._has_ended:
            return b""
        self._has_ended = True
        events: list[Body] = []
        for step in self._steps:
            events = [made for one in events for made in step.event(one)]
            events += step.end(self._heard)
        return b"".join([*map(self._written, events), event_of(DONE) if self._is_chat else b""])

    def _said(self, event: Body) -> list[bytes]:
        events = [event]
        for step in self._steps:
            events = [made for one in events for made in step.event(one)]
        return [self._written(one) for one in events]

    def _written(self, event: Body) -> bytes:
        return event_of(written(event), "" if self._is_chat else event["type"])


def stream(request: Request, prepared: Prepared, *, model_name: str, answer_id: str = "", created: int = 0) -> Relay:
    """A relay of the stream that answers what was prepared. A carried answer calls its model `model_name`, and bears
    this id (or the provider's) and this moment, in seconds."""
    if prepared.protocol == request.protocol:
        return Relay(request, prepared)
    return CarriedRelay(request, prepared, Naming(model=model_name, id=answer_id, created=created))


def _steps(request: Request, prepared: Prepared, naming: Naming) -> tuple[_Step, ...]:
    """From the provider's protocol to the client's: by way of a chat, where neither speaks it."""
    if request.protocol == "openai.chat":
        return (ChatEvents(naming, wants_usage=wants_usage(request)),)
    last: _Step
    if request.protocol == "anthropic.messages":
        last = MessageEvents(naming, request.body)
    else:
        last = ResponseEvents(naming, request.body, custom_tools(request.body))
    return (last,) if prepared.protocol == "openai.chat" else (ChatEvents(naming, wants_usage=False), last)


def _is_usage(event: Body) -> bool:
    """Whether an event is the one that only bears the usage."""
    return bool(event.get("usage")) and event.get("choices") == []
