"""What the runs of each local day add up to, kept for as long as the project: runs go with their executions.

The night keeps a day's sums when it judges it, and again whenever it judges it anew. Days that nobody judged yet, such
as the one that runs, are added up from their runs by whoever reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection, sql
from psycopg.rows import class_row, tuple_row

from telemetry.outlook.verdicts import DaySum
from telemetry.series.buckets import day_span
from telemetry.statements import statement

MOST_CELLS = 2_000  # of a day that have names; the others are one
_DAY = timedelta(days=1)


def read(conn: Connection[Any], *, project_id: int, first: date, last: date, tz: ZoneInfo) -> list[DaySum]:
    """The sums of local days, both inclusive, by day: as they were kept, else of the runs that there are."""
    kept = stored_day_sums(conn, project_id=project_id, first=first, last=last)
    known = {row.day for row in kept} | {
        day for day, _ in judged_days(conn, project_id=project_id, first=first, last=last)
    }
    missing = [day for n in range((last - first).days + 1) if (day := first + n * _DAY) not in known]
    if not missing:
        return kept
    return sorted(kept + of_runs(conn, project_id=project_id, days=missing, tz=tz), key=_place)


def _place(row: DaySum) -> tuple[date, str, str, str]:
    return row.day, row.agent, row.task_type, row.model


def of_runs(conn: Connection[Any], *, project_id: int, days: Sequence[date], tz: ZoneInfo) -> list[DaySum]:
    """What the runs that are there add up to, of these local days."""
    with conn.cursor(row_factory=class_row(DaySum)) as cursor:
        return cursor.execute(sums_of_runs(), _spans(project_id, days, tz)).fetchall()


def keep(conn: Connection[Any], *, project_id: int, day: date, tz: ZoneInfo) -> None:
    """Add up the runs of a day and keep that, in place of what was kept before. In a transaction of the caller's."""
    clear_day_sums(conn, project_id=project_id, day=day)
    write_day_sums(conn, project_id=project_id, day=day, tz=tz)


def _spans(project_id: int, days: Sequence[date], tz: ZoneInfo) -> dict[str, Any]:
    spans: list[tuple[datetime, datetime]] = [day_span(day, tz) for day in days]
    return {
        "project": project_id,
        "days": list(days),
        "starts": [start for start, _ in spans],
        "ends": [end for _, end in spans],
        "start": min(start for start, _ in spans),
        "end": max(end for _, end in spans),
        "most": MOST_CELLS,
    }


def sums_of_runs() -> sql.SQL:
    """The query that adds up the runs of days."""
    return sql.SQL(statement(__package__, "sums_of_runs"))


def write_day_sums(conn: Connection[Any], *, project_id: int, day: date, tz: ZoneInfo) -> None:
    """Keep what the runs of a day add up to."""
    query = sql.SQL(statement(__package__, "write_day_sums")).format(sums=sums_of_runs())
    conn.execute(query, _spans(project_id, [day], tz))


def clear_day_sums(conn: Connection[Any], *, project_id: int, day: date) -> None:
    """Forget what a day came to."""
    conn.execute(statement(__package__, "clear_day_sums"), {"project": project_id, "day": day})


def stored_day_sums(conn: Connection[Any], *, project_id: int, first: date, last: date) -> list[DaySum]:
    """What days came to, as it was kept, by day."""
    arguments = {"project": project_id, "first": first, "last": last}
    with conn.cursor(row_factory=class_row(DaySum)) as cursor:
        return cursor.execute(statement(__package__, "stored_day_sums"), arguments).fetchall()


def judged_days(conn: Connection[Any], *, project_id: int, first: date, last: date) -> list[tuple[date, str]]:
    """Which local days were judged, and the zone that cut each."""
    arguments = {"project": project_id, "first": first, "last": last}
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "judged_days"), arguments).fetchall()
