"""Gemini CLI's events. Pure. Source: formats.md §3.3.

`gemini_cli.api_response` is the one record of a response that bears all its counts; the event of operation details, the
span `llm_call` and the metrics say less of the same again, and are always sent along. Input includes the cache, output
excludes thoughts. The response's id is not on it, so the chat file's copy is known by its likeness.
"""

from __future__ import annotations

from datetime import timedelta

from telemetry.contracts import MAX_TOKENS, Call, MeterReading
from telemetry.sources.otlp.records import (
    BadRecord,
    Bucket,
    Log,
    Point,
    Span,
    count,
    meter_reading,
    milliseconds,
    text,
    written_at,
)

NAME = "gemini"
AGENT = "gemini-cli"
PROVIDER = "gcp.gen_ai"
_BUCKETS: dict[str, Bucket] = {"output": "output", "thought": "output", "tool": "input", "cache": "cache_read"}


def owns_log(log: Log) -> bool:
    """Whether Gemini CLI wrote a log record."""
    return text(log.resource, "service.name") == AGENT or log.name.startswith("gemini_cli.")


def owns_span(span: Span) -> bool:
    """Whether Gemini CLI wrote a span."""
    return text(span.resource, "service.name") == AGENT


def read_log(log: Log) -> Call | None:
    """The call of an `api_response`. Raises BadRecord."""
    attributes = log.attributes
    if log.name != "gemini_cli.api_response":
        return None
    inputs = count(attributes, "input_token_count") or 0
    output = count(attributes, "output_token_count") or 0
    cached = count(attributes, "cached_content_token_count") or 0
    thoughts = count(attributes, "thoughts_token_count") or 0
    tool = count(attributes, "tool_token_count") or 0
    total = count(attributes, "total_token_count")
    if not inputs and not output and not thoughts:
        return None  # it failed before it was billed
    if total is not None and total < inputs + output + thoughts + tool:
        tool = 0  # a part of the input already
    if output + thoughts > MAX_TOKENS or inputs + tool > MAX_TOKENS:
        raise BadRecord("more tokens than can be counted")
    session = text(attributes, "session.id", most=100) or text(log.resource, "session.id", most=100)
    ended_at = written_at(attributes.get("event.timestamp")) or log.at
    duration_ms = milliseconds(attributes, "duration_ms")
    prompt_id = text(attributes, "prompt_id", most=100)
    return Call(
        id=f"gemini:{session}:{prompt_id}:{ended_at.isoformat()}:{inputs}:{output}",
        likeness=f"gemini:{session}:{inputs}:{cached}:{output}:{thoughts}" if session else "",
        started_at=ended_at - timedelta(milliseconds=duration_ms or 0),
        provider=PROVIDER,
        model=text(attributes, "model") or "unknown",
        input_uncached=(inputs - cached if cached <= inputs else inputs) + tool,
        cache_read=cached,
        output=output + thoughts,
        reasoning=thoughts,
        duration_ms=duration_ms,
        agent=AGENT,
        host=text(log.resource, "host.name"),
        session_id=session,
        quality=("no_request_id",) if cached <= inputs else ("no_request_id", "exclusive_input"),
    )


def read_span(span: Span) -> None:
    """Spans say what the events say, and less."""


def owns_point(point: Point) -> bool:
    """Whether Gemini CLI wrote a number."""
    return point.name.startswith("gemini_cli.")


def read_point(point: Point) -> MeterReading | None:
    """What a counter of tokens showed; other metrics count nothing. Raises BadRecord."""
    kind = text(point.attributes, "type")
    session = text(point.attributes, "session.id", most=100) or text(point.resource, "session.id", most=100)
    if point.name != "gemini_cli.token.usage":
        return None
    if kind == "input":  # which includes what the counter `cache` shows
        return meter_reading(point, bucket="input_and_cache", agent=AGENT, session_id=session)
    bucket = _BUCKETS.get(kind)
    return meter_reading(point, bucket=bucket, agent=AGENT, session_id=session) if bucket else None
