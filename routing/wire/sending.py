"""A request as a provider is sent it. Pure.

Within one protocol every field passes untouched but `model`. A stream asks for its usage, which some providers give
only to who asks; a limit of output that is above the tier's own is lowered to it; and thoughts without a signature,
which are another model's, go to no provider that would look for one. Else the request is carried to a protocol that
the provider speaks, by way of a chat.
"""

from __future__ import annotations

from msgspec import Struct

from routing.contracts import Family, Protocol
from routing.wire.bodies import Body, count_of, object_of, objects_of, written
from routing.wire.carrying.chat_to_messages import messages_of_chat
from routing.wire.carrying.luggage import CannotCarry, Luggage
from routing.wire.carrying.messages_to_chat import chat_of_messages
from routing.wire.carrying.responses_to_chat import chat_of_response
from routing.wire.reading import Request

__all__ = ["CannotCarry", "Prepared", "prepare"]

# Where a protocol is spoken, under the base URL that the family's own client library takes.
PATHS: dict[Protocol, str] = {
    "openai.chat": "/chat/completions",
    "openai.completions": "/completions",
    "openai.responses": "/responses",
    "openai.embeddings": "/embeddings",
    "anthropic.messages": "/v1/messages",
    "anthropic.count_tokens": "/v1/messages/count_tokens",
}
# What every provider of a family speaks. Few speak /responses: mlx-lm does not.
SPOKEN: dict[Family, frozenset[Protocol]] = {
    "openai": frozenset(("openai.chat", "openai.completions", "openai.embeddings")),
    "anthropic": frozenset(("anthropic.messages", "anthropic.count_tokens")),
}
_WITH_USAGE = frozenset(("openai.chat", "openai.completions"))
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_LIMIT: dict[Protocol, str] = {
    "openai.chat": "max_completion_tokens",
    "openai.completions": "max_tokens",
    "openai.responses": "max_output_tokens",
    "anthropic.messages": "max_tokens",
}


class Prepared(Struct, frozen=True):
    """What is sent: where to, under the provider's base URL, and in which protocol. `dropped` names the fields of the
    request that this protocol has no words for."""

    path: str
    body: bytes
    dropped: tuple[str, ...]
    protocol: Protocol


def prepare(
    request: Request,
    *,
    family: Family,
    model: str,
    max_output: int | None = None,
    sets_limit: bool = False,
    speaks: frozenset[Protocol] | None = None,
) -> Prepared:
    """The request for one provider's model. `speaks`: what this provider understands, where that is known better than
    by its family. `max_output`: the most tokens that the model may answer with; `sets_limit`: it is told to the
    provider where the client set no limit. Raises CannotCarry, and BadRequest where the body is nested too deeply."""
    spoken = SPOKEN[family] if speaks is None else speaks
    luggage = Luggage()
    if request.protocol in spoken:
        protocol, body = request.protocol, {**request.body, "model": model}
        if protocol.startswith("anthropic."):
            _leave_unsigned(body, luggage)
    else:
        protocol, body = _carried(request, spoken, model, luggage, max_output)
    adjusted = _adjusted(protocol, body, max_output, sets_limit=sets_limit)
    return Prepared(PATHS[protocol], written(adjusted), luggage.names, protocol)


def _carried(
    request: Request, spoken: frozenset[Protocol], model: str, luggage: Luggage, max_output: int | None
) -> tuple[Protocol, Body]:
    """The request in a protocol that is spoken, its body a new one. Raises CannotCarry."""
    match request.protocol:
        case "openai.chat":
            chat = request.body
        case "anthropic.messages":
            chat = chat_of_messages(request.body, model, luggage)
        case "openai.responses":
            chat = chat_of_response(request.body, model, luggage)
        case other:
            raise CannotCarry(other)
    if "openai.chat" in spoken:
        return "openai.chat", chat
    if "anthropic.messages" in spoken:
        return "anthropic.messages", messages_of_chat(chat, model, luggage, max_output)
    raise CannotCarry(request.protocol)


def _leave_unsigned(body: Body, luggage: Luggage) -> None:
    """Leave behind thoughts that no signature vouches for: we showed them, as another model's."""
    messages = body.get("messages")
    if type(messages) is not list or not any(_unsigned(block) for one in messages for block in _blocks(one)):
        return
    luggage.drop("thinking")
    kept = []
    for one in messages:
        blocks = [block for block in _blocks(one) if not _unsigned(block)]
        kept.append({**one, "content": blocks} if blocks else one)
    body["messages"] = kept


def _blocks(message: Body) -> list[Body]:
    return objects_of(message.get("content")) if message.get("role") == "assistant" else []


def _unsigned(block: Body) -> bool:
    return block.get("type") == "thinking" and not block.get("signature")


def wants_usage(request: Request) -> bool:
    """Whether the client itself asked for the usage of its stream."""
    return object_of(request.body.get("stream_options")).get("include_usage") is True


def _adjusted(protocol: Protocol, body: Body, max_output: int | None, *, sets_limit: bool) -> Body:
    if body.get("stream") is True and protocol in _WITH_USAGE:
        body["stream_options"] = {**object_of(body.get("stream_options")), "include_usage": True}
    if max_output is not None:
        for name in _LIMITS:
            if (asked := count_of(body.get(name))) is not None and asked > max_output:
                body[name] = max_output
        if sets_limit and protocol in _LIMIT and all(count_of(body.get(name)) is None for name in _LIMITS):
            body[_LIMIT[protocol]] = max_output
    return body
