"""The rollups, a row of data each, and the statements that make their rows anew. Nothing is ever added to a row.

Calls and executions are summed up into minutes (or, where minutes are no longer kept, whole quarters of an hour) of a
session; those into quarters; quarters into days. Brief rollups leave dimensions out that have many values, so that a
question that needs none of these reads as many rows whatever the traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from telemetry.series.buckets import Span
from telemetry.series.histogram import EDGES
from telemetry.statements import statement

DIMENSIONS: tuple[LiteralString, ...] = (*("provider", "model", "agent", "host", "session_type", "task_type", "tier"),)
MEASURES: tuple[LiteralString, ...] = (
    *("calls", "input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output"),
    *("reasoning", "cost_nanousd", "unpriced_calls", "failed_calls", "executions", "failed_executions"),
    *("compared_calls", "compared_reported_nanousd", "compared_computed_nanousd"),
)


BRIEF: tuple[LiteralString, ...] = ("provider", "model", "agent", "task_type")


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table of sums by `dimensions`, and the one that its rows are made of: with shorter buckets, or (`is_briefer`)
    with more dimensions."""

    table: LiteralString
    source: LiteralString
    is_by_session: bool = False
    dimensions: tuple[LiteralString, ...] = DIMENSIONS
    is_briefer: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """Which sessions and which series a fold changes; all others keep their rows."""

    sessions: set[str]
    series: set[UUID]


MINUTES = Rollup("telemetry_rollup_1m", "telemetry_call", is_by_session=True, is_briefer=True)
SESSION_QUARTERS = Rollup("telemetry_rollup_session_15m", "telemetry_rollup_1m", is_by_session=True)
QUARTERS = (
    Rollup("telemetry_rollup_15m", "telemetry_rollup_1m"),
    SESSION_QUARTERS,
    Rollup("telemetry_rollup_brief_15m", "telemetry_rollup_15m", dimensions=BRIEF, is_briefer=True),
)
DAYS = (
    Rollup("telemetry_rollup_1d", "telemetry_rollup_15m"),
    Rollup("telemetry_rollup_session_1d", "telemetry_rollup_session_15m", is_by_session=True),
    Rollup("telemetry_rollup_brief_1d", "telemetry_rollup_1d", dimensions=BRIEF, is_briefer=True),
)
MOST_NAMED = 2_000

_columns = sql.SQL(", ")
DIGEST = sql.SQL("encode(substr(sha256(convert_to(ROW({})::text, 'UTF8')), 1, 16), 'hex')::uuid")
_PARTS: dict[str, sql.Composable] = {
    "measures": _columns.join(map(sql.Identifier, MEASURES)),
    # Saturated, so that nobody's absurd counts make a sum that cannot be stored.
    "sums": _columns.join(
        sql.SQL("least(coalesce(sum({0}), 0), 9223372036854775807)::int8 AS {0}").format(sql.Identifier(measure))
        for measure in MEASURES
    ),
}


def replace_minutes(conn: Connection[Any], *, project_id: int, spans: Sequence[Span]) -> None:
    """Make the sums of spans of time anew from calls and executions, each as the minute at its start."""
    if spans:
        clear_rollup(conn, MINUTES, project_id=project_id, spans=spans)
        roll_calls(conn, project_id=project_id, spans=spans)


def replace(
    conn: Connection[Any],
    rollups: Iterable[Rollup],
    *,
    project_id: int,
    spans: Sequence[Span],
    changed: Changed | None = None,
) -> None:
    """Make the buckets of rollups anew that are those spans of time, from the rollups that each is made of: all of
    their rows, or those that changed."""
    for rollup in rollups if spans else ():
        clear_rollup(conn, rollup, project_id=project_id, spans=spans, changed=changed)
        roll = roll_up_sessions if rollup.is_by_session else roll_up
        roll(conn, rollup, project_id=project_id, spans=spans, changed=changed)


def rows_of(conn: Connection[Any], rollup: Rollup, *, project_id: int, spans: Sequence[Span]) -> set[tuple[str, UUID]]:
    """The session and the series of each row of a rollup by session in the buckets at which spans of time begin."""
    if not spans:
        return set()
    query = sql.SQL(statement(__package__, "rows_of")).format(table=sql.Identifier(rollup.table))
    with conn.cursor(row_factory=tuple_row) as cursor:
        return set(cursor.execute(query, _bounds(project_id, spans)).fetchall())


def clear_rollup(
    conn: Connection[Any], rollup: Rollup, *, project_id: int, spans: Sequence[Span], changed: Changed | None = None
) -> None:
    """Delete the buckets at which those spans of time begin."""
    query = sql.SQL(statement(__package__, "clear_rollup")).format(**_parts(rollup, changed))
    conn.execute(query, _bounds(project_id, spans, changed))


def clear_span(conn: Connection[Any], rollup: Rollup, *, project_id: int, span: Span) -> None:
    """Delete all rows that begin in a span of time."""
    query = sql.SQL(statement(__package__, "clear_span")).format(table=sql.Identifier(rollup.table))
    conn.execute(query, {"project": project_id, "start": span[0], "end": span[1]})


def roll_calls(conn: Connection[Any], *, project_id: int, spans: Sequence[Span]) -> None:
    """Sum up calls and executions."""
    query = sql.SQL(statement(__package__, "roll_calls")).format(**_parts(MINUTES, None))
    conn.execute(query, _bounds(project_id, spans) | {"edges": list(EDGES)})


def roll_up(
    conn: Connection[Any], rollup: Rollup, *, project_id: int, spans: Sequence[Span], changed: Changed | None = None
) -> None:
    """Sum up the rows of a rollup's source, with their histograms."""
    query = sql.SQL(statement(__package__, "roll_up")).format(**_parts(rollup, changed))
    conn.execute(query, _bounds(project_id, spans, changed))


def roll_up_sessions(
    conn: Connection[Any], rollup: Rollup, *, project_id: int, spans: Sequence[Span], changed: Changed | None = None
) -> None:
    """Sum up the rows of a rollup's source by session."""
    query = sql.SQL(statement(__package__, "roll_up_sessions")).format(**_parts(rollup, changed))
    conn.execute(query, _bounds(project_id, spans, changed))


def forget_minutes(conn: Connection[Any], *, project_id: int, before: datetime) -> None:
    """Delete minutes that are no longer kept."""
    conn.execute(statement(__package__, "forget_minutes"), {"project": project_id, "before": before})


def _parts(rollup: Rollup, changed: Changed | None) -> dict[str, sql.Composable]:
    """What a statement is made of that reads or writes a rollup."""
    dimensions = _columns.join(map(sql.Identifier, rollup.dimensions))
    return {
        **_PARTS,
        "table": sql.Identifier(rollup.table),
        "source": sql.Identifier(rollup.source),
        "dimensions": dimensions,
        "series": DIGEST.format(dimensions) if rollup.is_briefer else sql.Identifier("series_id"),
        "those": _those(rollup, changed),
    }


def _those(rollup: Rollup, changed: Changed | None) -> sql.SQL:
    """Which rows: all where so many changed that to name them would cost more, or where there are few anyway."""
    if changed is None or rollup.is_briefer:
        return sql.SQL("")
    if len(changed.sessions if rollup.is_by_session else changed.series) > MOST_NAMED:
        return sql.SQL("")
    return sql.SQL("AND session_id = ANY(%(sessions)s)" if rollup.is_by_session else "AND series_id = ANY(%(series)s)")


def _bounds(project_id: int, spans: Sequence[Span], changed: Changed | None = None) -> dict[str, Any]:
    """Spans as arguments, with the two constants that they lie between, and what changed."""
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    bounds = {"project": project_id, "starts": starts, "ends": ends, "start": min(starts), "end": max(ends)}
    named = {"sessions": list(changed.sessions), "series": list(changed.series)} if changed else {}
    return bounds | named
