"""READ: forecasts of a range, how they did by day and level, and where outcomes fell among what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Literal, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row, dict_row, tuple_row

from telemetry.outlook.hindsight import STEPS, DayScores, ForecastRow, Scores
from telemetry.statements import statement

FILTERS: Mapping[str, LiteralString] = {
    "agent": "agent",
    "task_type": "task_type",
    "tool": "tool",
    "task": "task_id",
    "session": "session_id",
    "execution": "execution_id",
    "level": "level",
}
Filters = Mapping[str, Sequence[str]]
Order = Literal["newest", "likeliest", "furthest"]
ORDERS: Mapping[Order, LiteralString] = {
    "newest": "asked_at DESC, id",
    "likeliest": "p_exceed DESC NULLS LAST, asked_at DESC, id",
    "furthest": "tokens::float8 / greatest(tokens_q90, 1) DESC NULLS LAST, asked_at DESC, id",
}


_COLUMNS = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(ForecastRow))


def forecast_scores(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, zone: str, filters: Filters | None = None
) -> list[DayScores]:
    """How forecasts of [start, end) did, by local day and level."""
    query = sql.SQL(statement(__package__, "forecast_scores")).format(filters=_clauses(filters))
    arguments = {**_range(project_id, start, end), "zone": zone, **_arguments(filters)}
    with conn.cursor(row_factory=dict_row) as cursor:
        return [_day(row) for row in cursor.execute(query, arguments)]


def forecast_bins(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None = None
) -> list[int]:
    """How many runs came to a place in each twentieth of what was expected of them, the cheapest first."""
    query = sql.SQL(statement(__package__, "forecast_bins")).format(filters=_clauses(filters))
    arguments = {**_range(project_id, start, end), "steps": STEPS, **_arguments(filters)}
    with conn.cursor(row_factory=tuple_row) as cursor:
        found: dict[int, int] = dict(cursor.execute(query, arguments).fetchall())
    return [found.get(place, 0) for place in range(1, STEPS + 1)]


def forecasts_between(
    conn: Connection[Any],
    *,
    project_id: int,
    start: datetime,
    end: datetime,
    filters: Filters | None = None,
    order: Order = "newest",
    limit: int | None,
    offset: int = 0,
) -> list[ForecastRow]:
    """Forecasts that were made in [start, end), in that order."""
    query = sql.SQL(statement(__package__, "forecasts_between")).format(
        columns=_COLUMNS, filters=_clauses(filters), order=sql.SQL(ORDERS[order])
    )
    arguments = {**_range(project_id, start, end), "limit": limit, "offset": offset, **_arguments(filters)}
    with conn.cursor(row_factory=class_row(ForecastRow)) as cursor:
        return cursor.execute(query, arguments).fetchall()


def _day(row: dict[str, Any]) -> DayScores:
    day: date = row.pop("day")
    level: str = row.pop("level")
    return DayScores(day=day, level=level, scores=Scores(**row))


def _range(project_id: int, start: datetime, end: datetime) -> dict[str, Any]:
    return {"project": project_id, "start": start, "end": end}


def _clauses(filters: Filters | None) -> sql.Composed:
    """The conditions of filters, to stand behind others. Raises KeyError for one that is not in FILTERS."""
    return sql.SQL(" ").join(
        sql.SQL("AND {} = ANY({})").format(sql.Identifier(FILTERS[name]), sql.Placeholder(f"filter_{name}"))
        for name in filters or {}
    )


def _arguments(filters: Filters | None) -> dict[str, list[str]]:
    """What the placeholders of `_clauses` stand for."""
    return {f"filter_{name}": list(values) for name, values in (filters or {}).items()}
