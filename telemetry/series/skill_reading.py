"""READ: how often skills were loaded, what they put into contexts, how long that took, and how their runs ended.

Loads are few beside calls, one or two a run, so they are read as they are and not from rollups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row, tuple_row

from telemetry.contracts import UsageRow
from telemetry.series.queries import SeriesPoint
from telemetry.series.window import Window
from telemetry.statements import statement
from telemetry.usage import DONE, FAILED

FILTERS: Mapping[str, LiteralString] = {
    "agent": "agent",
    "task_type": "task_type",
    "session": "session_id",
    "execution": "execution_id",
    "skill": "skill",
}
Filters = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class SkillTotal:
    """The loads of one skill in a window. `contents`: how many different ones; times in microseconds; `runs` are those
    that said which run they were for."""

    skill: str
    loads: int
    tokens: int
    contents: int
    runs: int
    load_us_p50: int
    load_us_p99: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SkillSuccess:
    """How runs that had a skill ended, of those that said so: `well` of `runs`. `peers` are runs of the same types of
    task that had it not; `peers_well` is how many of `compared` runs would have ended well if each had ended as the
    peers of its type did, and `compared_well` how many did."""

    skill: str
    runs: int
    well: int
    peers: int
    compared: int
    compared_well: int
    peers_well: float


def skill_totals(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[SkillTotal]:
    """The skills that were loaded in a window, the most often loaded first."""
    query = sql.SQL(statement(__package__, "skill_totals")).format(filters=_clauses(filters))
    with conn.cursor(row_factory=class_row(SkillTotal)) as cursor:
        return cursor.execute(query, _arguments(project_id, window, filters)).fetchall()


def skill_series(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[SeriesPoint]:
    """The loads of each skill in each bucket of a window, oldest first; what a call is elsewhere is a load here."""
    query = sql.SQL(statement(__package__, "skill_series")).format(filters=_clauses(filters))
    arguments = _arguments(project_id, window, filters) | {"edges": window.edges()}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, arguments).fetchall()
    return [
        SeriesPoint(at, UsageRow(key=skill, calls=loads, input_uncached=tokens)) for at, skill, loads, tokens in rows
    ]


def skill_success(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[SkillSuccess]:
    """How the runs of a window ended that had each skill, beside runs of the same types of task that had it not."""
    query = sql.SQL(statement(__package__, "skill_success")).format(filters=_clauses(filters))
    arguments = _arguments(project_id, window, filters) | {"done": sorted(DONE), "over": sorted(DONE | FAILED)}
    with conn.cursor(row_factory=class_row(SkillSuccess)) as cursor:
        return cursor.execute(query, arguments).fetchall()


def _clauses(filters: Filters | None) -> sql.Composed:
    """The conditions of filters, to stand behind others. Raises KeyError for one that is not in FILTERS."""
    return sql.SQL(" ").join(
        sql.SQL("AND {} = ANY({})").format(sql.Identifier(FILTERS[name]), sql.Placeholder(f"filter_{name}"))
        for name in filters or {}
    )


def _arguments(project_id: int, window: Window, filters: Filters | None) -> dict[str, Any]:
    named = {f"filter_{name}": list(values) for name, values in (filters or {}).items()}
    return {"project": project_id, "start": window.start, "end": window.end, **named}
