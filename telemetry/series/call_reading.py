"""READ: the calls of one session or one run, in order: a page of them, as points of a curve, and by who made them.

Calls are read only in the quarters of an hour in which the session had some, or between the first and the last of the
run. However many there are, a page gets a bounded number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.contracts import UsageRow
from telemetry.series.run_rows import SUMS, CallRow, Part, Point, RunRow
from telemetry.series.window import QUARTER, quarter_of
from telemetry.statements import statement
from telemetry.usage import quality_bits

MOST_POINTS = 200  # of each curve of a chart
MOST_PARTS = 200
INSTANT = timedelta(microseconds=1)
Spans = Sequence[tuple[datetime, datetime]]  # half-open, oldest first, without overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls of a session, or of a run where `execution_id` is said: those that name it, or where none does, those
    of its session; all of them within `spans`."""

    project_id: int
    spans: Spans
    session_id: str = ""
    execution_id: str = ""


def calls_of_run(project_id: int, run: RunRow) -> Calls:
    """Where the calls of a run are."""
    first, last = run.first_call_at, run.last_call_at
    spans = [(first, last + INSTANT)] if first is not None and last is not None else []
    return Calls(project_id=project_id, spans=spans, session_id=run.session_id, execution_id=run.execution_id)


def calls_of_session(
    conn: Connection[Any], *, project_id: int, session_id: str, first_at: datetime, last_at: datetime
) -> Calls:
    """Where the calls of a session are that rollups know of."""
    start, end = quarter_of(first_at), quarter_of(last_at) + QUARTER
    quarters = quarters_of_session(conn, project_id=project_id, session_id=session_id, start=start, end=end)
    return Calls(project_id=project_id, spans=_joined(quarters), session_id=session_id)


def quarters_of_session(
    conn: Connection[Any], *, project_id: int, session_id: str, start: datetime, end: datetime
) -> list[datetime]:
    """The quarters of an hour in [start, end) in which a session had calls, oldest first."""
    arguments = {"project": project_id, "session": session_id, "start": start, "end": end}
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "quarters_of_session"), arguments).fetchall()


def calls_in_order(conn: Connection[Any], calls: Calls, *, limit: int, offset: int = 0) -> list[CallRow]:
    """Calls in the order of their time, numbered from 1."""
    query = sql.SQL(statement(__package__, "calls_in_order")).format(own_calls=own_calls(calls))
    arguments = {**_arguments(calls), "limit": limit, "offset": offset}
    with conn.cursor(row_factory=class_row(CallRow)) as cursor:
        return cursor.execute(query, arguments).fetchall()


def call_points(conn: Connection[Any], calls: Calls, *, most: int = MOST_POINTS) -> list[Point]:
    """Calls as at most `most` points of each of two curves, in order; where there are more calls, those that follow
    each other are one point."""
    query = sql.SQL(statement(__package__, "call_points")).format(own_calls=own_calls(calls))
    with conn.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(query, {**_arguments(calls), "most": most}).fetchall()
    return [Point(number, at, sub, count, int(context), int(spent)) for number, at, sub, count, context, spent in found]


@dataclass(frozen=True, slots=True)
class Parts:
    """Sums of calls by sub-agent, skill and model, each in the order of their first call, and how many there are where
    not all are read."""

    subagent: list[Part] = field(default_factory=list)
    skill: list[Part] = field(default_factory=list)
    model: list[Part] = field(default_factory=list)


def call_parts(conn: Connection[Any], calls: Calls, *, most: int = MOST_PARTS) -> Parts:
    """What the calls add up to by sub-agent, by skill and by model, the `most` of each that came first."""
    query = sql.SQL(statement(__package__, "call_parts")).format(own_calls=own_calls(calls))
    parts = Parts()
    with conn.cursor(row_factory=tuple_row) as cursor:
        for what, key, model, first, last, largest, *sums in cursor.execute(
            query, {**_arguments(calls), "most": most}
        ).fetchall():
            usage = UsageRow(key=key, **dict(zip(SUMS, map(int, sums), strict=True)))
            _of(parts, what).append(Part(usage, model, first, last, int(largest)))
    return parts


def own_calls(calls: Calls) -> sql.Composed:
    """The calls as the common table `own` that a statement begins with."""
    if not calls.execution_id:
        near = own = sql.SQL("session_id = %(session)s")
    else:
        near = sql.SQL("(execution_id = %(execution)s OR session_id = %(session)s AND session_id <> '')")
        own = sql.SQL(
            "(execution_id = %(execution)s OR quality & %(total)s = 0"
            " AND NOT EXISTS (SELECT FROM near AS named WHERE named.execution_id = %(execution)s))"
        )
    return sql.SQL(statement(__package__, "own_calls")).format(near=near, own=own)


def _arguments(calls: Calls) -> dict[str, Any]:
    starts, ends = [start for start, _ in calls.spans], [end for _, end in calls.spans]
    return {
        "project": calls.project_id,
        "session": calls.session_id,
        "execution": calls.execution_id,
        "total": quality_bits(("execution_total",)),
        "starts": starts,
        "ends": ends,
        "start": min(starts, default=None),
        "end": max(ends, default=None),
    }


def _of(parts: Parts, what: Literal["subagent", "skill", "model"]) -> list[Part]:
    return {"subagent": parts.subagent, "skill": parts.skill, "model": parts.model}[what]


def _joined(quarters: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Quarters of an hour as spans, those that touch as one."""
    spans: list[tuple[datetime, datetime]] = []
    for quarter in quarters:
        if spans and spans[-1][1] == quarter:
            spans[-1] = spans[-1][0], quarter + QUARTER
        else:
            spans.append((quarter, quarter + QUARTER))
    return spans
