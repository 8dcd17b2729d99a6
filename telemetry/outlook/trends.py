"""TRENDS: what each day of a project's series was against the days before it, said at night and kept.

    days not judged yet, oldest first ─▶ lock ─▶ sums of the day's runs, kept ─▶ baselines (pure) ─▶ verdicts, kept

A day is judged in one transaction, from what is kept of the days before: a night that was missed is caught up in
order, and says what it would have said. To judge a day again replaces what was said of it, and of no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.ledger import dirty
from telemetry.models import Project
from telemetry.outlook import day_sums
from telemetry.outlook.baselines import RULES, History, Key, Said, judge
from telemetry.outlook.grouping import WINDOW
from telemetry.outlook.verdicts import Verdict
from telemetry.series.buckets import day_span
from telemetry.series.window import time_zone
from telemetry.statements import statement

CAUGHT_UP = 65  # days at most: those that a report may still come of, and the thirty that these rest on
_RECENT = 2  # days that a shift is seen by
_DAY = timedelta(days=1)
_COLUMNS = tuple(field.name for field in fields(Verdict))


def judge_day(conn: Connection[Any], *, project: Project, day: date, now: datetime) -> int:
    """Judge a local day, after those before it that nobody judged yet; how many were judged. Of days that are not over
    nothing is said. Their runs must have been added up. Raises BadWindow, psycopg.Error; then days before are
    judged."""
    due = _due(conn, project, day, now)
    for one in due:
        with conn.transaction():
            lock(conn, project_id=project.pk)
            _judge(conn, project, one, now)
    return len(due)


def read(conn: Connection[Any], *, project_id: int, start: date, end: date) -> list[Verdict]:
    """What was said of the local days from `start` to `end`, both inclusive; of each day the dearest series first."""
    return verdicts_between(conn, project_id=project_id, first=start, last=end)


def glance(conn: Connection[Any], *, project: Project, day: date, now: datetime) -> list[Verdict]:
    """What a local day is so far; nothing is kept. Of one that is not over nothing is called unusual that comes from
    how many runs it has. Raises BadWindow."""
    tz = time_zone(project.time_zone)
    sums = day_sums.read(conn, project_id=project.pk, first=day - WINDOW * _DAY, last=day, tz=tz)
    return judge(sums, day=day, history=_history(conn, project.pk, day), is_over=day_span(day, tz)[1] <= now)


def _due(conn: Connection[Any], project: Project, day: date, now: datetime) -> list[date]:
    """The day and those before it that were not judged, oldest first, as far as they are over."""
    tz = time_zone(project.time_zone)
    oldest = day - CAUGHT_UP * _DAY
    start, end = day_span(oldest, tz)[0], day_span(day, tz)[1]
    first = first_run(conn, project_id=project.pk, start=start, end=end)
    if first is None:
        return [day] if end <= now else []
    judged = {one for one, _ in day_sums.judged_days(conn, project_id=project.pk, first=oldest, last=day)}
    begun = first.astimezone(tz).date()
    days = [begun + n * _DAY for n in range((day - begun).days + 1)]
    return [one for one in days if (one == day or one not in judged) and day_span(one, tz)[1] <= now]


def _judge(conn: Connection[Any], project: Project, day: date, now: datetime) -> None:
    tz, first = time_zone(project.time_zone), day - WINDOW * _DAY
    cut = dict(day_sums.judged_days(conn, project_id=project.pk, first=first, last=day))
    kept_from = project.calls_kept_from_at
    for one in sorted({day, *(other for other, zone in cut.items() if zone != project.time_zone)}):
        if one not in cut or kept_from is None or day_span(one, tz)[0] >= kept_from:
            day_sums.keep(conn, project_id=project.pk, day=one, tz=tz)
            mark_judged(conn, project_id=project.pk, day=one, zone=project.time_zone, now=now)
    sums = day_sums.stored_day_sums(conn, project_id=project.pk, first=first, last=day)
    found = judge(sums, day=day, history=_history(conn, project.pk, day))
    clear_verdicts(conn, project_id=project.pk, day=day)
    write_verdicts(conn, project_id=project.pk, verdicts=found)


def _history(conn: Connection[Any], project_id: int, day: date) -> History:
    found: dict[Key, list[Said]] = defaultdict(list)
    for dimension, name, what, on, effect, p, is_flagged in said_before(conn, project_id=project_id, day=day):
        found[dimension, name, what].append(Said(on, effect, p, is_flagged))
    return found


def lock(conn: Connection[Any], *, project_id: int) -> None:
    """Let nobody else judge days of this project until the transaction ends."""
    dirty.lock_slot(conn, slot=dirty.slot(project_id, work="trends"))


def said_before(conn: Connection[Any], *, project_id: int, day: date) -> list[tuple[Any, ...]]:
    """What was said of the thirty days before a day: those that were unusual or may have begun a shift, and the last
    ones."""
    recent, first = day - _RECENT * _DAY, day - WINDOW * _DAY
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments = {"project": project_id, "day": day, "recent": recent, "first": first, "rare": RULES.shift_p}
        return cursor.execute(statement(__package__, "said_before"), arguments).fetchall()


def first_run(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> datetime | None:
    """When the first run in [start, end) began."""
    arguments = {"project": project_id, "start": start, "end": end}
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "first_run"), arguments).fetchone()


def verdicts_between(conn: Connection[Any], *, project_id: int, first: date, last: date) -> list[Verdict]:
    """What was said of days, both inclusive."""
    query = sql.SQL(statement(__package__, "verdicts_between")).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    )
    with conn.cursor(row_factory=class_row(Verdict)) as cursor:
        return cursor.execute(query, {"project": project_id, "first": first, "last": last}).fetchall()


def clear_verdicts(conn: Connection[Any], *, project_id: int, day: date) -> None:
    """Forget what was said of a day."""
    conn.execute(statement(__package__, "clear_verdicts"), {"project": project_id, "day": day})


def write_verdicts(conn: Connection[Any], *, project_id: int, verdicts: Sequence[Verdict]) -> None:
    """Keep what is said of a day."""
    query = sql.SQL(statement(__package__, "write_verdicts")).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
        values=sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS)),
    )
    with conn.cursor() as cursor:
        cursor.executemany(query, [asdict(one) | {"project": project_id} for one in verdicts])


def mark_judged(conn: Connection[Any], *, project_id: int, day: date, zone: str, now: datetime) -> None:
    """Note that a day was judged, and the zone that cut it."""
    arguments = {"project": project_id, "day": day, "zone": zone, "now": now}
    conn.execute(statement(__package__, "mark_judged"), arguments)
