"""Codex CLI's events and spans. Pure. Source: formats.md §3.2.

Of the two events of a response one bears the counts; input includes the cache, output includes reasoning. No event
bears an id of the response, so what a call is known by is its conversation, its time and its counts, and it is the
same as a rollout's by its likeness. Spans of responses bear no conversation: of spans only the turn is read, as an
execution whose totals count until calls of its session arrive.
"""

from __future__ import annotations

from datetime import datetime

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.records import BadRecord, Log, Span, count, milliseconds, text, written_at

NAME = "codex"
AGENT = "codex"
PROVIDER = "openai"
_LONGEST_S = 10**9
_TURN = "codex.turn.token_usage."
_KEPT = ("app.version", "originator", "auth_mode", "slug")


def owns_log(log: Log) -> bool:
    """Whether Codex wrote a log record."""
    return text(log.resource, "service.name").startswith("codex") or log.name.startswith("codex.")


def owns_span(span: Span) -> bool:
    """Whether Codex wrote a span."""
    return text(span.resource, "service.name").startswith("codex")


def read_log(log: Log) -> Call | None:
    """The call of a `response.completed` that bears counts. Raises BadRecord."""
    attributes = log.attributes
    if log.name != "codex.sse_event" or text(attributes, "event.kind") != "response.completed":
        return None
    inputs, output = count(attributes, "input_token_count"), count(attributes, "output_token_count")
    if inputs is None or output is None:
        return None
    cached = count(attributes, "cached_token_count") or 0
    written = count(attributes, "cache_write_token_count") or 0
    if cached + written > inputs:
        raise BadRecord("cached_token_count exceeds input_token_count")
    conversation, at = text(attributes, "conversation.id"), _at(log)
    return Call(
        id=f"codex:{conversation}:{at.isoformat()}:{inputs}:{cached}:{output}",
        likeness=f"codex:{conversation}:{inputs}:{cached}:{output}" if conversation else "",
        started_at=at,
        provider=PROVIDER,
        model=text(attributes, "model", "slug") or "unknown",
        input_uncached=inputs - cached - written,
        cache_read=cached,
        cache_write_unknown=written,
        output=output,
        reasoning=count(attributes, "reasoning_token_count"),
        duration_ms=milliseconds(attributes, "duration_ms"),
        agent=AGENT,
        host=text(log.resource, "host.name"),
        session_id=conversation,
        quality=("no_request_id",),
        attributes={name: found for name in _KEPT if (found := text(attributes, name))} or None,
    )


def read_span(span: Span) -> Execution | None:
    """A turn with its totals; whatever is inside it counts nothing here. Raises BadRecord."""
    turn_id, thread_id = text(span.attributes, "turn.id"), text(span.attributes, "thread.id")
    if span.name != "session_task.turn" or not turn_id:
        return None
    return Execution(
        execution_id=f"codex:{turn_id}"[:200],
        started_at=span.started_at,
        execution_time=_seconds(span),
        model=text(span.attributes, "model"),
        tokens_input=count(span.attributes, _TURN + "input_tokens"),
        tokens_output=count(span.attributes, _TURN + "output_tokens"),
        cache_read=count(span.attributes, _TURN + "cached_input_tokens"),
        cache_write=count(span.attributes, _TURN + "cache_write_input_tokens"),
        status="failed" if span.has_failed else "done",
        agent=AGENT,
        session_id=thread_id,
    )


def _seconds(span: Span) -> float | None:
    """How long a span took; None where that is beyond belief."""
    return max(0.0, span.duration_ns / 10**9) if span.duration_ns <= _LONGEST_S * 10**9 else None


def _at(log: Log) -> datetime:
    """An event's own time: Codex leaves the record's at 0, and what the exporter observed comes later."""
    return written_at(log.attributes.get("event.timestamp")) or log.at
