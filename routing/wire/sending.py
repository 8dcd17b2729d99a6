"""A request as a provider is sent it. Pure.

Within one protocol every field passes untouched but `model`. A stream asks for its usage, which some providers give
only to who asks, and a limit of output that is above the tier's own is lowered to it.
"""

from __future__ import annotations

from msgspec import Struct

from routing.contracts import Family, Protocol
from routing.wire.bodies import Body, count_of, object_of, written
from routing.wire.reading import Request

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


class CannotCarry(ValueError):
    """A request that needs what cannot be said to this provider. `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"`{field}` cannot be carried to this provider.")
        self.field = field


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
    speaks: frozenset[Protocol] | None = None,
) -> Prepared:
    """The request for one provider's model. `speaks`: what this provider understands, where that is known better than
    by its family. `max_output`: the most tokens that the model may answer with. Raises CannotCarry, and BadRequest
    where the body is nested too deeply."""
    spoken = SPOKEN[family] if speaks is None else speaks
    protocol = request.protocol
    if protocol not in spoken:
        raise CannotCarry(protocol)
    body = {**request.body, "model": model}
    return Prepared(PATHS[protocol], written(_adjusted(protocol, body, max_output)), (), protocol)


def wants_usage(request: Request) -> bool:
    """Whether the client itself asked for the usage of its stream."""
    return object_of(request.body.get("stream_options")).get("include_usage") is True


def _adjusted(protocol: Protocol, body: Body, max_output: int | None) -> Body:
    if body.get("stream") is True and protocol in _WITH_USAGE:
        body["stream_options"] = {**object_of(body.get("stream_options")), "include_usage": True}
    if max_output is not None:
        for name in _LIMITS:
            if (asked := count_of(body.get(name))) is not None and asked > max_output:
                body[name] = max_output
    return body
