"""What tests of OTLP dialects share: a span in one line, and spans of whatever somebody may send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from hypothesis import strategies as st

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp import calls
from telemetry.sources.otlp.records import BadRecord, Span

NOON = datetime(2025, 10, 24, 12, tzinfo=UTC)
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
RESPONSE = "chatcmpl-9XyZabcdefghijklmnopqrst"


class Dialect(Protocol):
    """What a dialect of spans offers."""

    def owns_span(self, span: Span) -> bool: ...

    def read_span(self, span: Span) -> Call | Execution | None: ...


def span(attributes: Mapping[str, Any] | None = None, **fields: Any) -> Span:
    """A span of 1.5 seconds below another one; fields as in Span."""
    usual: dict[str, Any] = {"resource": {"service.name": "shop"}, "scope": "", "name": "chat gpt-4o"}
    usual |= {"trace_id": TRACE, "span_id": SPAN, "parent_id": "aaaaaaaaaaaaaaaa"}
    usual |= {"started_at": NOON, "duration_ns": 1_500_000_000}
    return Span(attributes=dict(attributes or {}), **{**usual, **fields})


def call(dialect: Dialect, attributes: Mapping[str, Any], **fields: Any) -> Call:
    """The call that a dialect reads in a span, which it must own."""
    one = span(attributes, **fields)
    assert dialect.owns_span(one)
    read = dialect.read_span(one)
    assert isinstance(read, Call), read
    return read


def buckets(call: Call) -> tuple[int, int, int, int, int, int]:
    """Input at full price, read, written for 5 minutes, for an hour, for nobody says how long, and output."""
    written = (call.cache_write_5m, call.cache_write_1h, call.cache_write_unknown)
    return call.input_uncached, call.cache_read, *written, call.output


_NAMES = [
    *(*calls.INPUT, *calls.OUTPUT, *calls.CACHE_READ, *calls.CACHE_WRITE, *calls.REASONING, *calls.COST),
    *(*calls.RESPONSE_MODEL, *calls.REQUEST_MODEL, *calls.RESPONSE_ID, *calls.PROVIDER, *calls.SESSION, *calls.AGENT),
    *(*calls.TTFT_S, *calls.TTFT_MS, *calls.SERVICE_TIER, "error.type", "gen_ai.response.finish_reasons"),
    *("gen_ai.operation.name", "gen_ai.request.temperature", "gen_ai.is_streaming", "gen_ai.request.max_tokens"),
    *("openinference.span.kind", "traceloop.span.kind", "ai.operationId", "ai.response.providerMetadata"),
    *("litellm.call_id", "litellm.provider.model", "litellm.model_group", "metadata.usage_object"),
    *("openclaw.model_call.observation_unit", "openclaw.agent", "openclaw.provider"),
]
_SAID = st.one_of(
    st.text(max_size=40),
    st.text(min_size=190, max_size=320),
    st.sampled_from(
        ("chat", "invoke_agent", "turn", "LLM", "workflow", "ai.streamText.doStream", "anthropic", "12", "-1")
    ),
    st.sampled_from(('{"anthropic":{"usage":{"input_tokens":5}}}', "{'cached_tokens': 12, 'reasoning_tokens': 99}")),
    st.sampled_from(("--5", "0x10", "١٢", "1e3", "NaN", " 7 ", "a\0b", "[" * 3000)),
)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 5000),
    st.floats(),
    st.binary(max_size=8),
    _SAID,
    st.lists(_SAID, max_size=10).map(tuple),
)
_ATTRIBUTES = st.dictionaries(st.one_of(st.sampled_from(_NAMES), st.text(max_size=10)), _VALUES, max_size=20)
_IDS = st.sampled_from(("", SPAN, "aaaaaaaaaaaaaaaa"))
_NAMED = ("chat x", "openclaw.model.usage", "openclaw.model.call", "litellm_request", "ai.generateText.doGenerate")

ANY_SPAN = st.builds(
    Span,
    resource=_ATTRIBUTES,
    scope=st.sampled_from(("", "ai", "gen_ai", "litellm", "openclaw", "openrouter", "openinference.x", "@traceloop/x")),
    name=st.one_of(st.sampled_from(_NAMED), st.text(max_size=300)),
    attributes=_ATTRIBUTES,
    trace_id=st.sampled_from(("", TRACE)),
    span_id=_IDS,
    parent_id=_IDS,
    started_at=st.sampled_from((NOON, datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))),
    duration_ns=st.integers(-(2**70), 2**70),
    has_failed=st.booleans(),
)


def check_reads_or_refuses(dialect: Dialect, one: Span) -> None:
    """Whatever a span holds, it is read, means nothing, or is refused as BadRecord; and what is read keeps within the
    bounds of the contract."""
    dialect.owns_span(one)
    try:
        record = dialect.read_span(one)
    except BadRecord:
        return
    if record is not None:
        assert "\\u0000" not in msgspec.json.encode(record).decode()
        assert msgspec.convert(msgspec.to_builtins(record), type(record)) is not None
