"""READ: what came lately. The newest calls of a project, and how each source did in the last hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from telemetry.series.queries import Filters, filter_arguments, filter_clauses
from telemetry.statements import statement


@dataclass(frozen=True, slots=True)
class RecentCall:
    """One call as the live page prints it; `cost_nanousd` is None where nobody knows a price."""

    call_id: str
    started_at: datetime
    agent: str
    model: str
    input_uncached: int
    cache_read: int
    cache_write: int
    output: int
    cost_nanousd: int | None
    duration_ms: int | None
    source: str
    session_id: str
    error_type: str


@dataclass(frozen=True, slots=True)
class SourceModel:
    """How many calls of one model a source brought, how many of them have no price, and the newest call's own time."""

    source: str
    model: str
    calls: int
    unpriced_calls: int
    newest_at: datetime


def newest_calls(
    conn: Connection[Any],
    *,
    project_id: int,
    start: datetime,
    end: datetime,
    limit: int,
    filters: Filters | None = None,
) -> list[RecentCall]:
    """The `limit` newest calls of [start, end) by their own time, newest first. Raises UnknownDimension."""
    query = sql.SQL(statement(__package__, "newest_calls")).format(filters=filter_clauses(filters))
    arguments = {"project": project_id, "start": start, "end": end, "limit": limit, **filter_arguments(filters)}
    with conn.cursor(row_factory=class_row(RecentCall)) as cursor:
        return cursor.execute(query, arguments).fetchall()


def calls_by_source(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> list[SourceModel]:
    """The calls of [start, end) by source and model, most calls first."""
    with conn.cursor(row_factory=class_row(SourceModel)) as cursor:
        arguments = {"project": project_id, "start": start, "end": end}
        return cursor.execute(statement(__package__, "calls_by_source"), arguments).fetchall()
