"""RUNS: which executions a change concerns, when their calls may have been, and their sums.

An execution has the calls that name it, from an hour before it began to a week after, and its sent totals while it has
no calls; where nothing names it, those of its session while it ran, as `comparisons` sees it. No index leads from an
execution to its calls: they are found by when they may have been, which the ledger notes with the execution.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.ledger.executions import TOTAL_KEY
from telemetry.ledger.identity import key_id
from telemetry.series.buckets import MINUTE, Span
from telemetry.series.comparisons import CLOCKS_DIFFER, COPIES_DIFFER, LONGEST_EXECUTION, merged
from telemetry.sources import TRANSCRIPTS
from telemetry.statements import statement
from telemetry.usage import quality_bits

# What a text says where a provider failed: it had too much to do, was away, broke, or did not answer in time.
PROVIDER_FAULT = (
    r"overloaded|rate.?limit|too.?many.?requests|throttl|resource.?exhausted|quota.?exceeded"
    r"|internal.?server.?error|server_error|bad.?gateway|service.?unavailable|(api|provider|model).?unavailable"
    r"|time.?out|timed.?out|deadline.?exceeded"
    r"|connection.?(error|refused|reset|aborted|closed|lost|failed)|api.?connection|econn(reset|refused|aborted)"
    r"|socket.?hang.?up|remote.?end.?closed"
    r"|(^|[^a-z0-9.])(http|status|code|error)[^a-z0-9]{0,3}(429|5[0-9][0-9])([^0-9]|$)|^[^a-z0-9]*(429|5[0-9][0-9])([^0-9]|$)"
)
# What differs between two runs of one task: ids (of 8 digits of a hexadecimal number or more), dates, times, numbers.
CHANGING = r"\m[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\M|\m(?=[a-f]*[0-9])[0-9a-f]{8,}\M|[0-9]+([-:/.,t][0-9]+)*"
_MEASURES: tuple[LiteralString, ...] = (
    *("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output"),
    *("reasoning", "cost_nanousd"),
)
_COLUMNS: tuple[LiteralString, ...] = (
    *("started_at", "ended_at", "task_key", "task_id", "task_type", "tool", "action", "agent", "host", "model"),
    *("session_id", "session_type", "objective", "source", "status", "errors", "duration_ms", "is_cut"),
    *("is_provider_fault", "is_verified", "result_digest", "calls", "failed_calls", "subagents"),
    *(*_MEASURES, "unpriced_calls", "first_call_at", "last_call_at"),
)


def _listed(text: LiteralString, names: Sequence[LiteralString]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(text).format(sql.Identifier(name)) for name in names)


_PARTS = {
    "columns": _listed("{}", _COLUMNS),
    "known": _listed("known.{}", _COLUMNS),
    "excluded": _listed("excluded.{}", _COLUMNS),
    "sums": _listed("sum({0}) AS {0}", _MEASURES),
    # Saturated, so that nobody's absurd counts make a sum that cannot be stored.
    "totals": _listed("least(coalesce(sum({0}), 0), 9223372036854775807)::int8 AS {0}", _MEASURES),
    "found": _listed("coalesce(summed.{}, 0)", _MEASURES),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Between which moments an execution may have calls: spans with both ends inside, one of them where it began."""

    execution_id: str
    spans: tuple[Span, ...]

    @property
    def first(self) -> datetime:
        """No call of it is older."""
        return min(start for start, _ in self.spans)

    @property
    def length(self) -> timedelta:
        """How much time has to be read."""
        return sum((end - start for start, end in merged(self.spans)), timedelta())


@dataclass(frozen=True, slots=True)
class _Known:
    """What an execution's row says of when it had calls."""

    execution_id: str
    started_at: datetime
    named_from_at: datetime | None
    named_to_at: datetime | None
    ran_to_at: datetime | None
    has_totals: bool


def touched_runs(conn: Connection[Any], *, project_id: int, minutes: Collection[datetime]) -> dict[str, datetime]:
    """The executions that a change in these minutes may concern, with the first of the minutes that do."""
    if not minutes:
        return {}
    arguments = {
        "project": project_id,
        "minutes": sorted(minutes),
        "start": min(minutes),
        "end": max(minutes) + MINUTE,
        "after": LONGEST_EXECUTION,
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        return dict(cursor.execute(statement(__package__, "touched_runs"), arguments).fetchall())


def reaches(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> list[Reach]:
    """When those of these executions that are there may have calls."""
    known = reaches_of_runs(conn, project_id=project_id, keys=keys)
    totals = {UUID(bytes=key_id(TOTAL_KEY + one.execution_id)): one.execution_id for one in known if one.has_totals}
    moments = when_totals(conn, project_id=project_id, ids=list(totals)) if totals else []
    at = {totals[call_id]: moment for call_id, moment in moments}
    return [Reach(one.execution_id, tuple(_spans(one, at.get(one.execution_id)))) for one in known]


def _spans(known: _Known, total_at: datetime | None) -> Iterable[Span]:
    yield known.started_at, known.ran_to_at or known.started_at
    if known.named_from_at and known.named_to_at and known.named_from_at <= known.named_to_at:
        yield known.named_from_at, known.named_to_at
    if total_at:
        yield total_at, total_at


def reaches_of_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> list[_Known]:
    """What the rows of executions say of when they had calls."""
    arguments = {
        "project": project_id,
        "keys": list(keys),
        "before": CLOCKS_DIFFER,
        "after": LONGEST_EXECUTION,
        "slack": COPIES_DIFFER,
    }
    with conn.cursor(row_factory=class_row(_Known)) as cursor:
        return cursor.execute(statement(__package__, "reaches_of_runs"), arguments).fetchall()


def when_totals(conn: Connection[Any], *, project_id: int, ids: Sequence[UUID]) -> list[tuple[UUID, datetime]]:
    """Where the calls live that stand for the totals of executions."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments = {"project": project_id, "ids": ids}
        return cursor.execute(statement(__package__, "when_totals"), arguments).fetchall()


def write_runs(conn: Connection[Any], *, project_id: int, found: Sequence[Reach]) -> list[str]:
    """Add executions up anew, and keep their rows. Returns those whose row is not what it was."""
    if not found:
        return []
    spans = merged(span for reach in found for span in reach.spans)
    arguments = {
        "project": project_id,
        "keys": [reach.execution_id for reach in found],
        "starts": [start for start, _ in spans],
        "ends": [end for _, end in spans],
        "start": spans[0][0],
        "end": spans[-1][1],
        "before": CLOCKS_DIFFER,
        "after": LONGEST_EXECUTION,
        "total": quality_bits(("execution_total",)),
        "transcripts": sorted(TRANSCRIPTS),
        "fault": PROVIDER_FAULT,
        "changing": CHANGING,
    }
    query = sql.SQL(statement(__package__, "write_runs")).format(**_PARTS)
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query, arguments).fetchall()


def clear_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> list[str]:
    """Forget those of these runs that are there."""
    if not keys:
        return []
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "keys": list(keys)}
        return cursor.execute(statement(__package__, "clear_runs"), arguments).fetchall()
