"""What an export's columns are and mean, once for every format, the API's document and docs/export.md. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "moment"]
What = Literal["calls", "rollups"]


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is text (UTF-8), integer (64 bits) or moment (UTC, to the microsecond); None where `optional`."""

    name: str
    kind: Kind
    doc: str
    optional: bool = False


def _text(name: str, doc: str, *, optional: bool = False) -> Column:
    return Column(name, "text", doc, optional)


def _integer(name: str, doc: str, *, optional: bool = False) -> Column:
    return Column(name, "integer", doc, optional)


_BUCKETS = (
    _integer("input_uncached", "input tokens that no cache was asked for"),
    _integer("cache_read", "input tokens that a cache served"),
    _integer("cache_write_5m", "input tokens written to a cache for 5 minutes"),
    _integer("cache_write_1h", "input tokens written to a cache for an hour"),
    _integer("cache_write_unknown", "input tokens written to a cache for a time that nobody said"),
    _integer("output", "output tokens, reasoning included"),
)

CALLS = (
    Column("started_at", "moment", "when the call began"),
    _text("id", "the call's id, a UUID"),
    _text("provider", "who was called"),
    _text("model", "which model"),
    _text("agent", "who called"),
    _text("host", "on which machine"),
    _text("session_id", "the conversation"),
    _text("subagent_id", "the sub-agent of that conversation"),
    _text("session_type", "the kind of conversation"),
    _text("execution_id", "the run of a task"),
    _text("task_type", "the kind of task"),
    _text("objective", "what for"),
    _text("skill", "the skill in use"),
    _text("tier", "the tier of models"),
    _text("service_tier", "the provider's class of service"),
    _text("source", "by which route the call was recorded"),
    _text("error_type", "why it failed; empty: it did not"),
    *_BUCKETS,
    _integer("reasoning", "the part of the output that was reasoning", optional=True),
    _integer("cost_nanousd", "what it cost: as reported, else as computed; empty: unpriced", optional=True),
    _integer("cost_reported_nanousd", "as somebody reported it", optional=True),
    _integer("cost_computed_nanousd", "as computed from prices", optional=True),
    _text("cost_kind", "who reported the cost: provider or client_estimate"),
    _text("price_version", "the prices that it was computed from"),
    _integer("duration_ms", "how long it took, in milliseconds", optional=True),
    _integer("ttft_ms", "until the first token, in milliseconds", optional=True),
    _text("quality", "what was found odd about it, by spaces"),
    Column("received_at", "moment", "when the server first stored it"),
    _text("attributes", "whatever else the sender said, as JSON", optional=True),
)

ROLLUPS = (
    Column("bucket", "moment", "when the quarter of an hour, or the day, begins"),
    _text("provider", "who was called"),
    _text("model", "which model"),
    _text("agent", "who called"),
    _text("host", "on which machine"),
    _text("session_type", "the kind of conversation"),
    _text("task_type", "the kind of task"),
    _text("tier", "the tier of models"),
    _integer("calls", "calls that began in the bucket"),
    *_BUCKETS,
    _integer("reasoning", "the part of the output that was reasoning"),
    _integer("cost_nanousd", "what the calls cost: as reported, else as computed"),
    _integer("unpriced_calls", "calls whose price is not known, which are not in the cost"),
    _integer("failed_calls", "calls that failed"),
    _integer("executions", "runs of tasks that began in the bucket"),
    _integer("failed_executions", "runs that failed"),
    _integer("compared_calls", "calls that bear both costs"),
    _integer("compared_reported_nanousd", "what those cost as reported"),
    _integer("compared_computed_nanousd", "what those cost as computed"),
    Column("first_at", "moment", "when the first of the calls began", optional=True),
    Column("last_at", "moment", "when the last of the calls began", optional=True),
    _text("durations", "calls by duration in ms, as bin:calls by spaces; see docs/export.md"),
    _text("tokens", "calls by tokens, as bin:calls by spaces; see docs/export.md"),
)

COLUMNS: dict[What, tuple[Column, ...]] = {"calls": CALLS, "rollups": ROLLUPS}
