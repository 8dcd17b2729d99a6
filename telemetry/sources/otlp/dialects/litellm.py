"""LiteLLM's `otel` callback: scope `litellm`, the span `litellm_request` or `chat MODEL`. Pure.

Behind its proxy the same attributes stand on the span of the HTTP request, so the scope tells, not the name. Input
holds cached tokens, whoever the provider is. Without OTel's newest names the span has no attribute for them; the text
of `metadata.usage_object` tells them all the same, with the time to live of what was written, so that they are not
paid as full input (opik #5618). The id is LiteLLM's own, by which its webhook knows the call too; the response's is
another name. `raw_gen_ai_request`, below a request, counts nothing. Source: formats.md §3.5; litellm 1.106.2.
"""

from __future__ import annotations

import msgspec

from telemetry.contracts import MAX_TOKENS, Call, Execution
from telemetry.sources.otlp.calls import (
    AGENT,
    NO_CALLS,
    OPERATION,
    PROVIDER,
    RESPONSE_MODEL,
    Counts,
    call_of,
    counts_of,
    service_of,
)
from telemetry.sources.otlp.records import Span, text

NAME = "litellm"
_CALL_ID = "litellm.call_id"
_RAW = "raw_gen_ai_request"
_NAMES = frozenset(("litellm_request", _RAW))
_LONGEST_USAGE = 4000


def owns_span(span: Span) -> bool:
    """A span of LiteLLM's tracer, which may be called otherwise, or one that bears LiteLLM's id of a call."""
    return span.scope == NAME or _CALL_ID in span.attributes or span.name in _NAMES


def read_span(span: Span) -> Call | Execution | None:
    """The call of a request; a failed request without tokens, a tool and a guardrail are none."""
    if span.name == _RAW or text(span.attributes, OPERATION) in NO_CALLS:
        return None
    attributes = span.attributes
    return call_of(
        span,
        _with_cache(counts_of(attributes), text(attributes, "metadata.usage_object", most=_LONGEST_USAGE)),
        ids=(text(attributes, _CALL_ID, most=301),),
        model=_model(span),
        agent=text(attributes, *AGENT, "metadata.user_api_key_alias") or service_of(span),
    )


def _model(span: Span) -> str:
    """The model that answered, not the alias by which the proxy offers it; "" where the usual names tell it."""
    deployed = text(span.attributes, "litellm.provider.model")
    answered = text(span.attributes, *RESPONSE_MODEL)
    if not deployed or (answered and answered != text(span.attributes, "litellm.model_group")):
        return ""
    return deployed.removeprefix(f"{text(span.attributes, *PROVIDER)}/")


def _with_cache(counts: Counts, usage: str) -> Counts:
    """Counts with what the text of LiteLLM's usage object tells beyond the attributes."""
    if not usage:
        return counts
    write_5m, write_1h = _told(usage, "ephemeral_5m_input_tokens"), _told(usage, "ephemeral_1h_input_tokens")
    written = counts.cache_write_unknown or _told(usage, "cache_creation_tokens", "cache_creation_input_tokens")
    reasoning = _told(usage, "reasoning_tokens") or None if counts.reasoning is None else counts.reasoning
    return msgspec.structs.replace(
        counts,
        cache_read=counts.cache_read or _told(usage, "cached_tokens", "cache_read_input_tokens"),
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        cache_write_unknown=max(0, written - write_5m - write_1h),
        reasoning=reasoning,
    )


def _told(usage: str, *names: str) -> int:
    """The first of `names` that is a number above 0 in the text of a Python or JSON dictionary; else 0."""
    for name in names:
        for quoted in (f"'{name}': ", f'"{name}": '):
            place = usage.find(quoted)
            if place >= 0:
                digits = usage[place + len(quoted) : place + len(quoted) + 17]
                number = digits[: len(digits) - len(digits.lstrip("0123456789"))]
                if number and 0 < int(number) <= MAX_TOKENS:
                    return int(number)
    return 0
