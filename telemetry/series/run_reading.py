"""READ: executions with the sums of their calls, from the rollup of runs. No list reads a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Literal, LiteralString, NamedTuple

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.series.run_rows import RunRow
from telemetry.statements import statement

FILTERS: Mapping[str, LiteralString] = {
    "agent": "agent",
    "model": "model",
    "host": "host",
    "task": "task_id",
    "same_task": "task_key",
    "task_type": "task_type",
    "status": "status",
    "session": "session_id",
    "session_type": "session_type",
    "objective": "objective",
    "execution": "execution_id",
    "source": "source",
}
Filters = Mapping[str, Sequence[str]]
Order = Literal["start", "tokens", "cost", "duration"]
_TOKENS: LiteralString = (  # the largest of sums stay at the largest int8, so that they add up to more than one
    "input_uncached::float8 + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output"
)
_ORDERS: Mapping[Order, LiteralString] = {
    "start": "started_at DESC, execution_id DESC",
    "tokens": f"({_TOKENS}) DESC, started_at DESC, execution_id",
    "cost": "cost_nanousd DESC, started_at DESC, execution_id",
    "duration": "coalesce(duration_ms * interval '1 millisecond', nullif(ended_at, started_at) - started_at)"
    " DESC NULLS LAST, started_at DESC, execution_id",
}
_COLUMNS = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(RunRow))


class UnknownFilter(ValueError):
    """A filter that is not in FILTERS."""


def runs_between(
    conn: Connection[Any],
    *,
    project_id: int,
    start: datetime,
    end: datetime,
    filters: Filters | None = None,
    order: Order = "start",
    limit: int | None,
    offset: int = 0,
) -> list[RunRow]:
    """Runs that began in [start, end), in that order, those of counters left out. Raises UnknownFilter."""
    query = sql.SQL(statement(__package__, "runs_between")).format(
        columns=_COLUMNS, filters=_clauses(filters), order=sql.SQL(_ORDERS[order])
    )
    arguments = {"project": project_id, "start": start, "end": end, "limit": limit, "offset": offset}
    with conn.cursor(row_factory=class_row(RunRow)) as cursor:
        return cursor.execute(query, {**arguments, **_arguments(filters)}).fetchall()


def count_runs(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None = None
) -> int:
    """How many runs `runs_between` has without a limit. Raises UnknownFilter."""
    query = sql.SQL(statement(__package__, "count_runs")).format(filters=_clauses(filters))
    arguments = {"project": project_id, "start": start, "end": end, **_arguments(filters)}
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(query, arguments).fetchone() or 0)


def one_run(conn: Connection[Any], *, project_id: int, execution_id: str) -> RunRow | None:
    """A run by its id; None where its sums are not made, or there is none."""
    query = sql.SQL(statement(__package__, "one_run")).format(columns=_COLUMNS)
    with conn.cursor(row_factory=class_row(RunRow)) as cursor:
        return cursor.execute(query, {"project": project_id, "execution": execution_id}).fetchone()


def runs_of_session(
    conn: Connection[Any], *, project_id: int, session_id: str, limit: int, offset: int = 0
) -> list[RunRow]:
    """The runs of a session, oldest first."""
    query = sql.SQL(statement(__package__, "runs_of_session")).format(columns=_COLUMNS)
    arguments = {"project": project_id, "session": session_id, "limit": limit, "offset": offset}
    with conn.cursor(row_factory=class_row(RunRow)) as cursor:
        return cursor.execute(query, arguments).fetchall()


class InRuns(NamedTuple):
    """How many runs a session has, and how many tokens these add up to."""

    runs: int
    tokens: int


def session_in_runs(conn: Connection[Any], *, project_id: int, session_id: str) -> InRuns:
    """What the runs of a session add up to."""
    arguments = {"project": project_id, "session": session_id}
    with conn.cursor(row_factory=tuple_row) as cursor:
        runs, tokens = cursor.execute(statement(__package__, "session_in_runs"), arguments).fetchone() or (0, 0)
    return InRuns(runs, int(tokens))


def other_runs_of_task(
    conn: Connection[Any], *, project_id: int, task_key: str, execution_id: str, limit: int
) -> list[RunRow]:
    """The newest runs of a task but one."""
    query = sql.SQL(statement(__package__, "other_runs_of_task")).format(columns=_COLUMNS)
    arguments = {"project": project_id, "task": task_key, "execution": execution_id, "limit": limit}
    with conn.cursor(row_factory=class_row(RunRow)) as cursor:
        return cursor.execute(query, arguments).fetchall()


def _clauses(filters: Filters | None) -> sql.Composed:
    """The conditions of filters, to stand behind others. Raises UnknownFilter."""
    return sql.SQL(" ").join(
        sql.SQL("AND {} = ANY({})").format(_column(name), sql.Placeholder(f"filter_{name}")) for name in filters or {}
    )


def _arguments(filters: Filters | None) -> dict[str, list[str]]:
    """What the placeholders of `_clauses` stand for."""
    return {f"filter_{name}": list(values) for name, values in (filters or {}).items()}


def _column(name: str) -> sql.Identifier:
    if name not in FILTERS:
        raise UnknownFilter(f"Executions cannot be filtered by {name!r}; choose from {', '.join(FILTERS)}.")
    return sql.Identifier(FILTERS[name])
