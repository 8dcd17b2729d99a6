"""Vercel's AI SDK, versions 4 to 7: `ai.*` spans, and those of @ai-sdk/otel, which speak OTel's language. Pure.

`ai.generateText` and its like bear the sum of the `.doGenerate`, `.doStream` and `.doEmbed` spans below them and count
nothing; nor do `invoke_agent` and `agent_step` of @ai-sdk/otel.
Input holds cached tokens, but for Anthropic and Bedrock up to version 5, whose counts the SDK passes on as they are.
From version 6 on their spans tell `ai.usage.inputTokenDetails`. Without those, the response's own usage in
`ai.response.providerMetadata` is believed before the SDK's; where neither stands, the version is told by the names.
Source: formats.md §1; npm ai 4.3.19, 5.0.277, 6.0.326, 7.0.173 and @ai-sdk/anthropic 1.2, 2.0 and 3.0.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from telemetry.contracts import Call, Execution, Tokens
from telemetry.providers import provider_name
from telemetry.sources.otlp.calls import (
    AGENT,
    NO_CALLS,
    OPERATION,
    PROVIDER,
    RUNS,
    Counts,
    call_of,
    counts_of,
    execution_of,
    service_of,
)
from telemetry.sources.otlp.records import Attributes, Span, text

NAME = "vercel"
_OPERATION_ID = "ai.operationId"
_SCOPES = frozenset(("ai", "gen_ai"))
_TEXTS = frozenset(("ai.generateText.doGenerate", "ai.streamText.doStream"))
_DETAILS = (
    "ai.usage.inputTokenDetails.noCacheTokens",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
)
_EXCLUSIVE = frozenset(("anthropic", "aws.bedrock"))
_LONGEST_METADATA = 64 * 2**10
_Dollars = Annotated[float, Meta(ge=0, le=10**6)]


class _CacheWrites(Struct):
    ephemeral_5m_input_tokens: Tokens | None = None
    ephemeral_1h_input_tokens: Tokens | None = None


class _AnthropicUsage(Struct):
    input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_creation: _CacheWrites | None = None


class _Anthropic(Struct, rename="camel"):
    usage: _AnthropicUsage | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None


class _BedrockUsage(Struct, rename="camel"):
    cache_read_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None


class _Bedrock(Struct):
    usage: _BedrockUsage | None = None


class _OpenRouterUsage(Struct):
    cost: _Dollars | None = None


class _OpenRouter(Struct):
    usage: _OpenRouterUsage | None = None


class _Metadata(Struct):
    anthropic: _Anthropic | None = None
    bedrock: _Bedrock | None = None
    openrouter: _OpenRouter = field(default_factory=_OpenRouter)


_metadata = msgspec.json.Decoder(_Metadata)


def owns_span(span: Span) -> bool:
    """A span of one of the SDK's two tracers, or one that says which of its functions it is."""
    return span.scope in _SCOPES or _OPERATION_ID in span.attributes


def read_span(span: Span) -> Call | Execution | None:
    """The call of a request to a model; the execution of an outer function at the root of a trace."""
    attributes = span.attributes
    function = text(attributes, _OPERATION_ID) or span.name
    if function.startswith("ai."):
        if ".do" not in function:
            return execution_of(span, agent=_agent(span)) if function != "ai.toolCall" else None
    elif text(attributes, OPERATION) in NO_CALLS:
        return execution_of(span, agent=_agent(span)) if text(attributes, OPERATION) in RUNS else None
    metadata = _metadata_of(attributes)
    charged: dict[str, Any] = {}
    if metadata.openrouter.usage and metadata.openrouter.usage.cost:
        charged = {"cost_usd": Decimal(repr(metadata.openrouter.usage.cost)), "cost_kind": "provider"}
    return call_of(span, _counts(attributes, metadata, function), agent=_agent(span), **charged)


def _agent(span: Span) -> str:
    return text(span.attributes, *AGENT, "ai.telemetry.functionId") or service_of(span)


def _metadata_of(attributes: Attributes) -> _Metadata:
    """What the provider itself told of a response; nothing where it is not there or cannot be read."""
    said = attributes.get("ai.response.providerMetadata")
    if not isinstance(said, str) or not 2 < len(said) <= _LONGEST_METADATA:
        return _Metadata()
    try:
        return _metadata.decode(said)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return _Metadata()


def _counts(attributes: Attributes, metadata: _Metadata, function: str) -> Counts:
    counts = counts_of(attributes)
    own = metadata.anthropic.usage if metadata.anthropic else None
    if any(attributes.get(name) is not None for name in _DETAILS):
        return _with_split(counts, own)
    if own and own.input_tokens is not None:
        return _anthropics_own(counts, own)
    if function in _TEXTS and _passes_on_exclusive(attributes):
        return _up_to_version_5(counts, metadata)
    return counts


def _passes_on_exclusive(attributes: Attributes) -> bool:
    said = text(attributes, "ai.model.provider", *PROVIDER).lower()
    return provider_name(said) in _EXCLUSIVE or said.startswith("vertex.anthropic")


def _with_split(counts: Counts, own: _AnthropicUsage | None) -> Counts:
    """The SDK's counts from version 6 on, with the time to live of what was written, where that is told."""
    split = own.cache_creation if own else None
    if split is None:
        return counts
    write_5m, write_1h = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
    if write_5m + write_1h != counts.cache_write_unknown:
        return counts
    return msgspec.structs.replace(counts, cache_write_5m=write_5m, cache_write_1h=write_1h, cache_write_unknown=0)


def _anthropics_own(counts: Counts, usage: _AnthropicUsage) -> Counts:
    """The input of a response as Anthropic told it, which holds no cached tokens."""
    split = usage.cache_creation or _CacheWrites()
    write_5m, write_1h = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
    return msgspec.structs.replace(
        counts,
        input=usage.input_tokens or 0,
        cache_read=usage.cache_read_input_tokens or 0,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        cache_write_unknown=max(0, (usage.cache_creation_input_tokens or 0) - write_5m - write_1h),
        is_exclusive=True,
    )


def _up_to_version_5(counts: Counts, metadata: _Metadata) -> Counts:
    """Counts of Anthropic and Bedrock before version 6: what was cached stands in the metadata, if anywhere."""
    read = written = 0
    if metadata.anthropic:
        read = metadata.anthropic.cache_read_input_tokens or 0
        written = metadata.anthropic.cache_creation_input_tokens or 0
    elif metadata.bedrock and metadata.bedrock.usage:
        read = metadata.bedrock.usage.cache_read_input_tokens or 0
        written = metadata.bedrock.usage.cache_write_input_tokens or 0
    return msgspec.structs.replace(
        counts,
        cache_read=counts.cache_read or read,
        cache_write_unknown=counts.cache_write_unknown or written,
        is_exclusive=True,
    )
