"""A provider's whole answer: its bytes to what the client gets and what the gateway has to know of it. Pure."""

from __future__ import annotations

from msgspec import Struct

from routing.contracts import Fault, Protocol, ToolCall, Usage
from routing.wire.bodies import read_object
from routing.wire.chat import ChatListener, CompletionListener, EmbeddingListener
from routing.wire.listening import Listener
from routing.wire.messages import CountListener, MessageListener
from routing.wire.reading import Request
from routing.wire.responses import ResponseListener
from routing.wire.sending import Prepared


class Answered(Struct, frozen=True, kw_only=True):
    """An answer. `body` is for the client; `finish_reason` is in OpenAI's words. `fault` is why it counts as none."""

    body: bytes
    usage: Usage | None
    finish_reason: str
    text: str
    tool_calls: tuple[ToolCall, ...]
    provider_call_id: str
    fault: Fault | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it counts as an answer at all; whether it is a good one is the quality gate's to say."""
        return self.fault is None


def listener(protocol: Protocol, request: Request) -> Listener:
    """Who hears an answer in this protocol."""
    match protocol:
        case "openai.chat":
            return ChatListener(_choices(request))
        case "openai.completions":
            return CompletionListener(_choices(request))
        case "openai.responses":
            return ResponseListener()
        case "openai.embeddings":
            return EmbeddingListener()
        case "anthropic.messages":
            return MessageListener()
    return CountListener()


def answer(request: Request, prepared: Prepared, status: int, body: bytes) -> Answered:
    """The answer of status 200 to what was prepared. `fault` is set where the body holds an error, or is none of what
    the protocol asks for."""
    heard = listener(prepared.protocol, request)
    parsed = read_object(body)
    if parsed is None or not heard.body(parsed):
        heard.fault = Fault(kind="malformed", message="The provider's answer was none.", status=status)
    return Answered(
        body=body,
        usage=heard.usage,
        finish_reason=heard.finish_reason,
        text=heard.text,
        tool_calls=heard.tool_calls,
        provider_call_id=heard.provider_call_id,
        fault=heard.fault,
    )


def _choices(request: Request) -> int:
    asked = request.body.get("n")
    return asked if type(asked) is int and asked > 0 else 1
