"""A provider's whole answer: its bytes to what the client gets and what the gateway has to know of it. Pure.

Within one protocol the client gets the bytes that came; else what was heard is said in the client's own.
"""

from __future__ import annotations

from msgspec import Struct

from routing.contracts import Fault, Protocol, ToolCall, Usage
from routing.wire.bodies import Body, read_object, written
from routing.wire.carrying.naming import Naming
from routing.wire.carrying.responses_to_chat import custom_tools
from routing.wire.carrying.whole import chat_of, message_of, response_of
from routing.wire.chat import ChatListener, CompletionListener, EmbeddingListener
from routing.wire.listening import Listener
from routing.wire.messages import CountListener, MessageListener
from routing.wire.reading import Request
from routing.wire.responses import ResponseListener
from routing.wire.sending import Prepared


class Answered(Struct, frozen=True, kw_only=True):
    """An answer. `body` is for the client; `finish_reason` is in OpenAI's words. `counted_output` are its tokens
    by its length, for a provider that says no usage. `fault` is why it counts as none."""

    body: bytes
    usage: Usage | None
    finish_reason: str
    text: str
    tool_calls: tuple[ToolCall, ...]
    provider_call_id: str
    counted_output: int
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


def answer(
    request: Request,
    prepared: Prepared,
    status: int,
    body: bytes,
    *,
    model_name: str = "",
    answer_id: str = "",
    created: int = 0,
) -> Answered:
    """The answer of status 200 to what was prepared. `fault` is set where the body holds an error, or is none of what
    the protocol asks for. A carried answer calls its model `model_name` (or as it was asked for), and bears this id
    (or the provider's) and this moment, in seconds."""
    heard = listener(prepared.protocol, request)
    parsed = read_object(body)
    if parsed is None or not heard.body(parsed):
        heard.fault = Fault(kind="malformed", message="The provider's answer was none.", status=status)
    elif prepared.protocol != request.protocol and heard.fault is None:
        naming = Naming(model=model_name or request.features.model, id=answer_id, created=created)
        body = written(_carried(request, heard, naming))
    return Answered(
        body=body,
        usage=heard.usage,
        finish_reason=heard.finish_reason,
        text=heard.text,
        tool_calls=heard.tool_calls,
        provider_call_id=heard.provider_call_id,
        counted_output=heard.counted_output,
        fault=heard.fault,
    )


def _carried(request: Request, heard: Listener, naming: Naming) -> Body:
    match request.protocol:
        case "anthropic.messages":
            return message_of(heard, naming, request.body)
        case "openai.responses":
            return response_of(heard, naming, request.body, custom_tools(request.body))
    return chat_of(heard, naming)


def _choices(request: Request) -> int:
    asked = request.body.get("n")
    return asked if type(asked) is int and asked > 0 else 1
