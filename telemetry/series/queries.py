"""READ: one verb a question, each over a window of one project, each one named statement.

Groups and filters pass an allow-list; nothing that a person typed becomes SQL. Sums are exact: totals, rows, days
and series of the same window and filters add up to each other to the token and the nano-dollar. Most come from rollups
(plan.py says which), so they know of calls up to the last fold: `rollups.catch_up` first, where that has to be now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row, tuple_row

from telemetry.contracts import UsageRow
from telemetry.series.rows import rows_between
from telemetry.series.window import Window
from telemetry.statements import statement

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
_SUMS = tuple(name for name in UsageRow.__struct_fields__ if name != "key")


class UnknownDimension(ValueError):
    """A group or filter that is not in DIMENSIONS."""


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """Sums of one group in the bucket that begins at `at` (UTC)."""

    at: datetime
    usage: UsageRow


def usage_total(conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None) -> UsageRow:
    """The sums of a window; zeros where nothing was recorded."""
    query, arguments = _composed("usage_total", conn, project_id, _whole(window), filters)
    with conn.cursor(row_factory=tuple_row) as cursor:
        return _usage("", cursor.execute(query, arguments).fetchone() or ())


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
    query, arguments = _composed("usage_by", conn, project_id, _whole(window), filters, by=by)
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**arguments, "limit": limit}).fetchall()
    return [_usage(row[0], row[1:]) for row in rows]


def usage_series(
    conn: Connection[Any], *, project_id: int, window: Window, by: str, filters: Filters | None = None
) -> list[SeriesPoint]:
    """The sums of each bucket of a window by `by`, oldest first; empty buckets are left out."""
    edges = window.edges()
    query, arguments = _composed("usage_series", conn, project_id, [*edges, window.end], filters, by=by)
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**arguments, "edges": edges}).fetchall()
    return [SeriesPoint(edges[row[0] - 1], _usage(row[1], row[2:])) for row in rows]


def usage_days(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[UsageRow]:
    """The sums of each local day of a window, oldest first, keyed 2026-11-20; days without calls are left out."""
    edges = replace(window, bucket="1d").edges()
    query, arguments = _composed("usage_days", conn, project_id, [*edges, window.end], filters)
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**arguments, "edges": edges}).fetchall()
    return [_usage(edges[row[0] - 1].astimezone(window.tz).date().isoformat(), row[1:]) for row in rows]


@dataclass(frozen=True, slots=True)
class Spread:
    """How many calls of a group fall into each bin of `histogram.py`: by all their tokens, input and output, and by
    their milliseconds where these are known."""

    tokens: Counter[int] = field(default_factory=Counter)
    duration: Counter[int] = field(default_factory=Counter)


def histograms_by(
    conn: Connection[Any], *, project_id: int, window: Window, by: str, filters: Filters | None = None
) -> dict[str, Spread]:
    """How the calls of a window spread, by the groups of `by`. Raises UnknownDimension."""
    query, arguments = _composed("histograms_by", conn, project_id, _whole(window), filters, by=by, histograms=True)
    spreads: dict[str, Spread] = {}
    with conn.cursor(row_factory=tuple_row) as cursor:
        for key, what, place, number in cursor.execute(query, arguments).fetchall():
            spread = spreads.setdefault(key, Spread())
            (spread.tokens if what == "tokens" else spread.duration)[place] += number
    return spreads


def unpriced_models(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[tuple[str, str, int]]:
    """(provider, model, calls) of calls in a window that have no cost, most calls first. Raises UnknownDimension."""
    query, arguments = _composed("unpriced_models", conn, project_id, _whole(window), filters)
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, arguments).fetchall()


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
    query, arguments = _composed("cost_differences", conn, project_id, _whole(window), filters)
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**arguments, "percent": above_percent}).fetchall()
    return [CostDifference(model, *map(int, sums)) for model, *sums in rows]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The oldest and the newest call that a project's rollups know, by the calls' own time; `waiting_minutes` counts
    the minutes whose calls they do not know yet, where that was asked too."""

    first_call_at: datetime | None
    last_call_at: datetime | None
    waiting_minutes: int = 0


def coverage(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> Coverage:
    """The coverage of the quarter hours that begin in [start, end)."""
    with conn.cursor(row_factory=class_row(Coverage)) as cursor:
        arguments = {"project": project_id, "start": start, "end": end}
        row = cursor.execute(statement(__package__, "coverage"), arguments).fetchone()
        return row or Coverage(None, None)


def _usage(key: str, sums: Sequence[Any]) -> UsageRow:
    """A row of sums in the order of _SUMS; PostgreSQL sums bigints as numeric, so as Decimal."""
    named: dict[str, int] = dict(zip(_SUMS, map(int, sums), strict=False))
    return UsageRow(key=key, **named)


def column(name: str) -> LiteralString:
    """The column that holds a dimension. Raises UnknownDimension."""
    if name not in DIMENSIONS:
        raise UnknownDimension(f"{name!r} cannot be grouped or filtered by; choose from {', '.join(DIMENSIONS)}.")
    return DIMENSIONS[name]


def _column(name: str) -> sql.Identifier:
    return sql.Identifier(column(name))


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


def _composed(
    name: str,
    conn: Connection[Any],
    project_id: int,
    edges: Sequence[datetime],
    filters: Filters | None,
    by: str | None = None,
    *,
    histograms: bool = False,
) -> tuple[sql.Composed, dict[str, Any]]:
    """The named statement over the rows that can answer it, and its arguments. Raises UnknownDimension."""
    parts = {"dimension": _column(by)} if by is not None else {}
    asked = {*(filters or {}), *([by] if by is not None else [])}
    clauses = filter_clauses(filters)
    rows, arguments = rows_between(
        conn, project_id=project_id, edges=edges, dimensions=asked, filters=filters, histograms=histograms
    )
    sums = sql.SQL(", ").join(
        sql.SQL("coalesce(sum({0}), 0) AS {0}").format(sql.Identifier(measure)) for measure in _SUMS
    )
    query = sql.SQL(statement(__package__, name)).format(filters=clauses, sums=sums, rows=rows, **parts)
    return query, {**arguments, **filter_arguments(filters)}


def _whole(window: Window) -> list[datetime]:
    """A window as one bucket."""
    return [window.start, window.end]
