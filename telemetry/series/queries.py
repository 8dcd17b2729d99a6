"""READ: one verb a question, each over a window of one project, each one named statement.

Groups and filters pass an allow-list; nothing that a person typed becomes SQL. Sums are exact: totals, rows, days
and series of the same window and filters add up to each other to the token and the nano-dollar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row, tuple_row

from telemetry.contracts import UsageRow
from telemetry.series.window import Window
from telemetry.statements import statement
from telemetry.usage import quality_bits

DIMENSIONS: Mapping[str, LiteralString] = {
    "model": "model",
    "provider": "provider",
    "agent": "agent",
    "host": "host",
    "session": "session_id",
    "subagent": "subagent_id",
    "session_type": "session_type",
    "task_type": "task_type",
    "execution": "execution_id",
    "objective": "objective",
    "skill": "skill",
    "tier": "tier",
    "source": "source",
}
Filters = Mapping[str, Sequence[str]]
CLOCKS_DIFFER = timedelta(hours=1)  # a call may seem to begin before its execution
LONGEST_EXECUTION = timedelta(days=7)  # calls that come later than that are not looked for
_SUMS: Mapping[str, LiteralString] = {
    "calls": "count(*)",
    "input_uncached": "coalesce(sum(input_uncached), 0)",
    "cache_read": "coalesce(sum(cache_read), 0)",
    "cache_write_5m": "coalesce(sum(cache_write_5m), 0)",
    "cache_write_1h": "coalesce(sum(cache_write_1h), 0)",
    "cache_write_unknown": "coalesce(sum(cache_write_unknown), 0)",
    "output": "coalesce(sum(output), 0)",
    "reasoning": "coalesce(sum(reasoning), 0)",
    "cost_nanousd": "coalesce(sum(coalesce(cost_reported_nanousd, cost_computed_nanousd)), 0)",
    "unpriced_calls": "count(*) FILTER (WHERE coalesce(cost_reported_nanousd, cost_computed_nanousd) IS NULL)",
}


class UnknownDimension(ValueError):
    """A group or filter that is not in DIMENSIONS."""


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """Sums of one group in the bucket that begins at `at` (UTC)."""

    at: datetime
    usage: UsageRow


def usage_total(conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None) -> UsageRow:
    """The sums of a window; zeros where nothing was recorded."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_compose("usage_total", filters), _arguments(project_id, window, filters)).fetchone()
        return _usage("", row or ())


def usage_by(
    conn: Connection[Any],
    *,
    project_id: int,
    window: Window,
    by: str,
    filters: Filters | None = None,
    limit: int | None = None,
) -> list[UsageRow]:
    """The sums of a window by `by`, dearest first, then most tokens. Raises UnknownDimension."""
    query = _compose("usage_by", filters, dimension=_column(by))
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**_arguments(project_id, window, filters), "limit": limit}).fetchall()
    return [_usage(row[0], row[1:]) for row in rows]


def usage_series(
    conn: Connection[Any], *, project_id: int, window: Window, by: str, filters: Filters | None = None
) -> list[SeriesPoint]:
    """The sums of each bucket of a window by `by`, oldest first; empty buckets are left out."""
    edges = window.edges()
    query = _compose("usage_series", filters, dimension=_column(by))
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**_arguments(project_id, window, filters), "edges": edges}).fetchall()
    return [SeriesPoint(edges[row[0] - 1], _usage(row[1], row[2:])) for row in rows]


def usage_days(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[UsageRow]:
    """The sums of each local day of a window, oldest first, keyed 2026-11-20; days without calls are left out."""
    edges = replace(window, bucket="1d").edges()
    arguments = {**_arguments(project_id, window, filters), "edges": edges}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_compose("usage_days", filters), arguments).fetchall()
    return [_usage(edges[row[0] - 1].astimezone(window.tz).date().isoformat(), row[1:]) for row in rows]


def unpriced_models(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[tuple[str, str, int]]:
    """(provider, model, calls) of calls in a window that have no cost, most calls first. Raises UnknownDimension."""
    query = _compose("unpriced_models", filters)
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, _arguments(project_id, window, filters)).fetchall()


@dataclass(frozen=True, slots=True)
class CostDifference:
    """What the calls of a model that bear both costs add up to, in nano-dollars."""

    model: str
    calls: int
    reported: int
    computed: int


def cost_differences(
    conn: Connection[Any], *, project_id: int, window: Window, above_percent: int, filters: Filters | None = None
) -> list[CostDifference]:
    """The models whose reported and computed costs differ by more than `above_percent` of the reported, the largest
    difference first. Raises UnknownDimension."""
    arguments = _arguments(project_id, window, filters) | {"percent": above_percent}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_compose("cost_differences", filters), arguments).fetchall()
    return [CostDifference(model, calls, int(reported), int(computed)) for model, calls, reported, computed in rows]


@dataclass(frozen=True, slots=True)
class ExecutionDifference:
    """What an execution's sender said that it used, and what its calls add up to. None: nothing was said."""

    execution_id: str
    task_id: str
    agent: str
    calls: int
    sent_input: int | None
    counted_input: int
    sent_output: int | None
    counted_output: int


def execution_differences(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[ExecutionDifference]:
    """The executions that began in a window and whose sent totals are not the sums of their calls, the largest
    difference first. With filters, those of which a call matches. Raises UnknownDimension."""
    arguments = _arguments(project_id, window, filters)
    arguments |= {"calls_start": window.start - CLOCKS_DIFFER, "calls_end": window.end + LONGEST_EXECUTION}
    arguments["total"] = quality_bits(("execution_total",))
    with conn.cursor(row_factory=class_row(ExecutionDifference)) as cursor:
        return cursor.execute(_compose("execution_differences", filters), arguments).fetchall()


@dataclass(frozen=True, slots=True)
class Coverage:
    """The oldest and the newest call that a project holds, by the calls' own time."""

    first_call_at: datetime | None
    last_call_at: datetime | None


def coverage(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> Coverage:
    """The coverage of [start, end), which bounds the partitions that are looked at."""
    with conn.cursor(row_factory=class_row(Coverage)) as cursor:
        arguments = {"project": project_id, "start": start, "end": end}
        row = cursor.execute(statement(__package__, "coverage"), arguments).fetchone()
        return row or Coverage(None, None)


def _usage(key: str, sums: Sequence[Any]) -> UsageRow:
    """A row of sums in the order of _SUMS; PostgreSQL sums bigints as numeric, so as Decimal."""
    named: dict[str, int] = dict(zip(_SUMS, map(int, sums), strict=False))
    return UsageRow(key=key, **named)


def _column(name: str) -> sql.Identifier:
    if name not in DIMENSIONS:
        raise UnknownDimension(f"{name!r} cannot be grouped or filtered by; choose from {', '.join(DIMENSIONS)}.")
    return sql.Identifier(DIMENSIONS[name])


def filter_clauses(filters: Filters | None) -> sql.Composed:
    """The conditions of filters, to stand behind others. Raises UnknownDimension."""
    clauses = [
        sql.SQL("AND {} = ANY({})").format(_column(dimension), sql.Placeholder(f"filter_{dimension}"))
        for dimension in filters or {}
    ]
    return sql.SQL(" ").join(clauses)


def filter_arguments(filters: Filters | None) -> dict[str, list[str]]:
    """What the placeholders of `filter_clauses` stand for."""
    return {f"filter_{dimension}": list(values) for dimension, values in (filters or {}).items()}


def _compose(name: str, filters: Filters | None, **parts: sql.Composable) -> sql.Composed:
    """The named statement with its group and filters put in. Raises UnknownDimension."""
    sums = sql.SQL(", ").join(sql.SQL(f"{term} AS {name}") for name, term in _SUMS.items())
    return sql.SQL(statement(__package__, name)).format(filters=filter_clauses(filters), sums=sums, **parts)


def _arguments(project_id: int, window: Window, filters: Filters | None) -> dict[str, Any]:
    return {"project": project_id, "start": window.start, "end": window.end, **filter_arguments(filters)}
