"""RUNS: which executions a change concerns, when their calls may have been, and their sums.

An execution has the calls that name it, from an hour before it began to a week after, and its sent totals while it has
no calls; where nothing names it, those of its session while it ran, as `comparisons` sees it. No index leads from an
execution to its calls: they are found by when they may have been, which the ledger notes with the execution.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row

from telemetry.ledger.executions import TOTAL_KEY
from telemetry.ledger.identity import key_id
from telemetry.series.buckets import MINUTE
from telemetry.series.comparisons import CLOCKS_DIFFER, COPIES_DIFFER, LONGEST_EXECUTION
from telemetry.sources import TRANSCRIPTS
from telemetry.statements import statement
from telemetry.usage import quality_bits

EVER = timedelta(days=100_000)  # longer than anything lasts
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
CHANGING = (
    r"\m[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\M|\m(?=[a-f]*[0-9])[0-9a-f]{8,}\M"
    r"|[0-9]+([-:/.,t][0-9]+)*( [0-9]{1,2}:[0-9]{2}(:[0-9.,]+)?)?"
)
_TOKENS: tuple[LiteralString, ...] = (
    *("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output"),
)
_COUNTS: tuple[LiteralString, ...] = (
    *("calls", "failed_calls", "cut_off_calls", "unpriced_calls", *_TOKENS, "reasoning", "cost_nanousd"),
)
_LABELS: tuple[LiteralString, ...] = ("agent", "host", "session_id", "session_type", "task_type", "objective")
_COLUMNS: tuple[LiteralString, ...] = (
    *("started_at", "ended_at", "task_key", "task_id", "task_type", "tool", "action", "agent", "host", "model"),
    *("session_id", "session_type", "objective", "source", "status", "errors", "duration_ms", "is_cut"),
    *("is_provider_fault", "is_verified", "result_digest", "subagents", *_COUNTS, "first_call_at", "last_call_at"),
)
_comma = sql.SQL(", ")


def _each(text: LiteralString, names: Sequence[LiteralString]) -> sql.Composed:
    return _comma.join(sql.SQL(text).format(sql.Identifier(name)) for name in names)


_PARTS: dict[str, sql.Composable] = {
    "columns": _each("{}", _COLUMNS),
    "known": _each("known.{}", _COLUMNS),
    "excluded": _each("excluded.{}", _COLUMNS),
    "call": _comma.join(
        [
            _each("{}", ("started_at", "execution_id", "subagent_id", "model", "error_type", "quality")),
            _each("{}", (*_LABELS, *_TOKENS, "reasoning")),
            sql.SQL("coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd"),
        ]
    ),
    # By model and sub-agent; then by execution.
    "sums": _comma.join(
        [
            sql.SQL("count(*) AS calls, count(*) FILTER (WHERE error_type <> '') AS failed_calls"),
            sql.SQL("count(*) FILTER (WHERE quality & {} <> 0) AS cut_off_calls").format(sql.Placeholder("cut_off")),
            sql.SQL("count(*) FILTER (WHERE cost_nanousd IS NULL) AS unpriced_calls"),
            _each("sum({0}) AS {0}", (*_TOKENS, "reasoning", "cost_nanousd")),
            sql.SQL("sum({}) AS tokens").format(sql.SQL(" + ").join(map(sql.Identifier, _TOKENS))),
            sql.SQL("min(call.started_at) AS first_call_at, max(call.started_at) AS last_call_at"),
            sql.SQL("max(call.started_at) FILTER (WHERE error_type <> '' AND error_type ~* {}) AS fault_at").format(
                sql.Placeholder("fault")
            ),
            _each('max(call.{0} COLLATE "C") AS {0}', _LABELS),
        ]
    ),
    # Saturated, so that nobody's absurd counts make a sum that cannot be stored.
    "totals": _comma.join(
        [
            _each("least(coalesce(sum({0}), 0), 9223372036854775807)::int8 AS {0}", _COUNTS),
            sql.SQL("min(first_call_at) AS first_call_at, max(last_call_at) AS last_call_at"),
            _each('max({0} COLLATE "C") AS {0}', _LABELS),
        ]
    ),
    "found": _each("coalesce(summed.{}, 0)", _COUNTS),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Of some executions, those that can be added up `now`, whose calls lie from `starts` to `ends` (both inside,
    without overlap, in order); those to be added up `later`; and those that are `gone`."""

    now: list[str]
    later: list[str]
    gone: list[str]
    starts: list[datetime]
    ends: list[datetime]


def touched_runs(conn: Connection[Any], *, project_id: int, minutes: Collection[datetime]) -> list[str]:
    """The executions that a change in these minutes may concern, in order of time."""
    if not minutes:
        return []
    arguments = {
        "project": project_id,
        "minutes": sorted(minutes),
        "start": min(minutes),
        "end": max(minutes) + MINUTE,
        "after": LONGEST_EXECUTION,
    }
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "touched_runs"), arguments).fetchall()


def reach_of_runs(
    conn: Connection[Any],
    *,
    project_id: int,
    keys: Sequence[str],
    kept_from: datetime | None,
    longest: timedelta = EVER,
    within: timedelta = EVER,
) -> Reach:
    """When these executions may have calls. Those that would need more than `longest` to be read, or begin more than
    `within` before the newest, are for later; those that may have had calls before `kept_from` stay as they are."""
    totals = runs_with_totals(conn, project_id=project_id, keys=keys)
    arguments = {
        "project": project_id,
        "keys": keys,
        "total_keys": totals,
        "total_ids": [UUID(bytes=key_id(TOTAL_KEY + key)) for key in totals],
        "kept_from": kept_from,
        "before": CLOCKS_DIFFER,
        "after": LONGEST_EXECUTION,
        "slack": COPIES_DIFFER,
        "longest": longest,
        "within": within,
    }
    with conn.cursor(row_factory=class_row(Reach)) as cursor:
        found = cursor.execute(statement(__package__, "reach_of_runs"), arguments).fetchone()
    assert found is not None  # noqa: S101 (for the types: one row always comes)
    return found


def runs_with_totals(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> list[str]:
    """Those of these executions whose sent totals may count."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "keys": keys}
        return cursor.execute(statement(__package__, "runs_with_totals"), arguments).fetchall()


def write_runs(conn: Connection[Any], *, project_id: int, reach: Reach) -> list[str]:
    """Add up anew what can be now, and keep their rows. Returns those whose row is not what it was."""
    if not reach.now:
        return []
    arguments = {
        "project": project_id,
        "keys": reach.now,
        "starts": reach.starts,
        "ends": reach.ends,
        "start": reach.starts[0],
        "end": reach.ends[-1],
        "before": CLOCKS_DIFFER,
        "after": LONGEST_EXECUTION,
        "total": quality_bits(("execution_total",)),
        "cut_off": quality_bits(("output_lower_bound",)),
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
        arguments = {"project": project_id, "keys": keys}
        return cursor.execute(statement(__package__, "clear_runs"), arguments).fetchall()
