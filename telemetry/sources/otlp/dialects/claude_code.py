"""Claude Code's events, spans and metrics. Pure. Source: formats.md §3.1.

One `api_request` event a request, with the request's id, which the span `claude_code.llm_request` and the transcript
bear too. Input excludes the cache. An event is written when the request ends, so a call began its duration before.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from telemetry.contracts import Call, Execution, MeterReading, Quality
from telemetry.sources.otlp.records import (
    Attributes,
    BadRecord,
    Bucket,
    Log,
    Point,
    Span,
    count,
    meter_reading,
    milliseconds,
    text,
)

NAME = "claude-code"
AGENT = "claude-code"
_PREFIX = "claude_code."
_SCOPE = "com.anthropic.claude_code"
_PROVIDERS = {"bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai", "foundry": "azure.ai.inference"}
_BUCKETS: dict[str, Bucket] = {
    "input": "input",
    "output": "output",
    "cacheRead": "cache_read",
    "cacheCreation": "cache_write",
}
_KEPT = ("query_source", "effort", "agent.name", "mcp_server.name", "app.version")


def owns_log(log: Log) -> bool:
    """Whether Claude Code wrote a log record."""
    return log.scope.startswith(_SCOPE) or text(log.resource, "service.name").startswith("claude-code")


def owns_span(span: Span) -> bool:
    """Whether Claude Code wrote a span."""
    return span.name.startswith(_PREFIX) or span.scope.startswith(_SCOPE)


def owns_point(point: Point) -> bool:
    """Whether Claude Code wrote a number."""
    return point.name.startswith(_PREFIX)


def read_point(point: Point) -> MeterReading | None:
    """What a counter of tokens showed; other metrics count nothing. Raises BadRecord."""
    bucket = _BUCKETS.get(text(point.attributes, "type"))
    if point.name != "claude_code.token.usage" or bucket is None:
        return None
    return meter_reading(point, bucket=bucket, agent=AGENT, session_id=text(point.attributes, "session.id"))


def read_log(log: Log) -> Call | Execution | None:
    """The call of an `api_request`, the execution that a `user_prompt` begins. Raises BadRecord."""
    kind = log.name.removeprefix(_PREFIX)
    prompt_id = text(log.attributes, "prompt.id")
    if kind == "api_request":
        duration_ms = milliseconds(log.attributes, "duration_ms")
        number = text(log.attributes, "event.sequence", most=80)
        session = text(log.attributes, "session.id")
        key = text(log.attributes, "request_id", most=300)
        known_by = key or text(log.attributes, "client_request_id", most=300) or f"{NAME}:{session}:{number}"
        fields = _fields(log.attributes, log.resource, quality=() if key else ("no_request_id",))
        if not key:
            fields["likeness"] = _likeness(log.attributes, session)
        started_at = log.at - timedelta(milliseconds=duration_ms or 0)
        return Call(id=known_by, started_at=started_at, execution_id=_execution(prompt_id), **fields)
    if kind == "user_prompt" and prompt_id:
        session = text(log.attributes, "session.id")
        return Execution(execution_id=_execution(prompt_id), started_at=log.at, session_id=session, agent=AGENT)
    return None


def read_span(span: Span) -> Call | None:
    """The call of an `llm_request`; the interaction around it, and tools, count nothing. Raises BadRecord."""
    if span.name != "claude_code.llm_request":
        return None
    if count(span.attributes, "input_tokens") is None and count(span.attributes, "output_tokens") is None:
        return None  # it failed before it was billed
    key = text(span.attributes, "request_id", "gen_ai.response.id", most=300)
    quality: tuple[Quality, ...] = () if key else ("no_request_id",)
    fields = _fields(span.attributes, span.resource, quality=quality)
    return Call(id=key or f"span:{span.trace_id}:{span.span_id}", started_at=span.started_at, **fields)


def _fields(attributes: Attributes, resource: Attributes, *, quality: tuple[Quality, ...]) -> dict[str, Any]:
    """The fields of a call but for its id and its time."""
    model = text(attributes, "model", "gen_ai.response.model", "gen_ai.request.model")
    if not model:
        raise BadRecord("a request without a model")
    created = count(attributes, "cache_creation_tokens") or 0
    write_5m = count(attributes, "cache_creation_5m_tokens") or 0
    write_1h = count(attributes, "cache_creation_1h_tokens") or 0
    unknown = max(0, created - write_5m - write_1h)
    provider = text(attributes, "anthropic.provider").lower()
    return {
        "model": model,
        "provider": _PROVIDERS.get(provider, "anthropic"),
        "input_uncached": count(attributes, "input_tokens") or 0,
        "cache_read": count(attributes, "cache_read_tokens") or 0,
        "cache_write_5m": write_5m,
        "cache_write_1h": write_1h,
        "cache_write_unknown": unknown,
        "output": count(attributes, "output_tokens") or 0,
        "cost_usd": _cost(attributes),
        "duration_ms": milliseconds(attributes, "duration_ms"),
        "ttft_ms": milliseconds(attributes, "ttft_ms"),
        "agent": AGENT,
        "host": text(resource, "host.name"),
        "session_id": text(attributes, "session.id", "gen_ai.conversation.id"),
        "skill": text(attributes, "skill.name"),
        "service_tier": "fast" if text(attributes, "speed") == "fast" else "",
        "quality": (*quality, "ttl_unknown") if unknown else quality,
        "attributes": {name: found for name in _KEPT if (found := text(attributes, name))} or None,
    }


def _likeness(attributes: Attributes, session: str) -> str:
    """What the transcript's reader finds alike, where neither knows the request's id (behind some gateways)."""
    names = ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
    counts = ":".join(str(count(attributes, name) or 0) for name in names)
    return f"{AGENT}:{session}:{counts}" if session else ""


def _cost(attributes: Attributes) -> Decimal | None:
    """What Claude Code estimates at list price: a double whose shortest text is the figure that was meant."""
    cost = attributes.get("cost_usd")
    if isinstance(cost, bool) or not isinstance(cost, int | float | str) or cost == "":
        return None
    try:
        return Decimal(str(cost))
    except ArithmeticError:
        raise BadRecord("cost_usd is no number") from None


def _execution(prompt_id: str) -> str:
    """The id that the transcript's reader gives the same prompt."""
    return f"{AGENT}:{prompt_id}"[:200] if prompt_id else ""
