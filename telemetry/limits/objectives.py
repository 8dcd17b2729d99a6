"""Objectives as they stand, and what was spent for each: read from runs, and from the calls that are in none.

A run counts on the day on which it began, with all its calls, priced as they were then; a call of no run on its own
day. So everything is counted once, but for calls of a session in which two runs went on at once and named none of them:
each of the two has them, as on every page. Runs go when their calls expire; what reports said stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from telemetry.database import reads
from telemetry.limits.attribution import Book, Link, Rule, Spelled, Stands, Target, Valid, Work
from telemetry.limits.editing import parts_of
from telemetry.limits.goals import Goal, Result, Value
from telemetry.limits.spending import Spend, Sums, Used, distribute
from telemetry.models import Attribution, KeyResult, KeyResultValue, Objective, Project, WorkItem
from telemetry.series.comparisons import CLOCKS_DIFFER, LONGEST_EXECUTION
from telemetry.series.window import Window, local_midnight, time_zone
from telemetry.statements import statement
from telemetry.usage import DONE, FAILED, quality_bits

_DAY = timedelta(days=1)
_TOTAL = quality_bits(("execution_total",))


def goals(project_id: int) -> list[Goal]:
    """The objectives of a project, those of high priority first."""
    values: dict[int, list[Value]] = {}
    for key_result, day, value in (
        KeyResultValue.objects.using(reads())
        .filter(project_id=project_id)
        .order_by("key_result", "day")
        .values_list("key_result_id", "day", "value")
    ):
        values.setdefault(key_result, []).append(Value(day, value))
    results: dict[int, list[Result]] = {}
    for row in KeyResult.objects.using(reads()).filter(project_id=project_id).order_by("key"):
        results.setdefault(row.objective_id, []).append(_result(row, values.get(row.pk, [])))
    return [
        Goal(
            id=row.pk,
            key=row.key,
            title=row.title,
            priority=row.priority,
            priority_name=Objective.Priority(row.priority).label.lower(),
            owner=row.owner,
            first_day=row.first_day,
            last_day=row.last_day,
            results=tuple(results.get(row.pk, ())),
        )
        for row in Objective.objects.using(reads()).filter(project_id=project_id).order_by("priority", "key")
    ]


def book_of(project_id: int) -> Book:
    """All that is said of a project's work."""
    links = Attribution.objects.using(reads()).filter(project_id=project_id).order_by("pk")
    results = KeyResult.objects.using(reads()).filter(project_id=project_id).order_by("pk")
    objectives = Objective.objects.using(reads()).filter(project_id=project_id).order_by("pk")
    stands = WorkItem.objects.using(reads()).filter(project_id=project_id).order_by("pk")
    return Book(
        [_link(row) for row in links],
        [Stands(row.key, row.parent, Valid(row.first_day, row.last_day, row.recorded_on)) for row in stands],
        [
            *(Spelled(row.key, Target(row.objective_id, row.pk), row.recorded_on) for row in results),
            *(Spelled(row.key, Target(row.pk), row.recorded_on) for row in objectives),
        ],
    )


def spend(conn: Connection[Any], *, project: Project, window: Window, book: Book | None = None) -> Spend:
    """What was used in a window, each piece where it counts. Slices are named by the bucket of the window in which they
    lie. Raises psycopg.Error."""
    known = book_of(project.pk) if book is None else book
    return distribute(used(conn, project=project, window=window, book=known), known)


def used(conn: Connection[Any], *, project: Project, window: Window, book: Book) -> Iterator[Used]:
    """What was used in a window, by all that a book looks at. Attribution looks at days of the project's zone, whatever
    the zone of the window is."""
    tz, buckets = time_zone(project.time_zone), window.edges()
    first = window.start.astimezone(tz).date()
    midnights = {local_midnight(first + n * _DAY, tz) for n in range((window.end - window.start).days + 3)}
    edges = sorted({*buckets, *(edge for edge in midnights if window.start < edge < window.end)})
    days = [edge.astimezone(tz).date() for edge in edges]
    place = -1
    begins: list[datetime] = []
    for edge in edges:
        place += place + 1 < len(buckets) and edge >= buckets[place + 1]
        begins.append(buckets[place])
    asked = {"project": project.pk, "start": window.start, "end": window.end, "edges": edges}
    for row in used_by_runs(conn, asked, book=book):
        at = row["slice"] - 1
        work = Work(days[at], row["run"], row["tag"], row["task"], row["task_type"], row["agent"])
        yield Used(begins[at], work, _sums(row))
    for row in used_by_loose_calls(conn, asked):
        at = row["slice"] - 1
        work = Work(days[at], tag=row["tag"], task_type=row["task_type"], agent=row["agent"])
        yield Used(begins[at], work, _sums(row), is_loose=True)


def used_by_runs(conn: Connection[Any], asked: dict[str, Any], *, book: Book) -> list[dict[str, Any]]:
    """What runs came to, a row a slice and kind of work."""
    known = {
        "runs": book.runs,
        "items": book.items,
        "patterns": [_like(pattern) for pattern in book.patterns],
        "done": sorted(DONE),
        "failed": sorted(FAILED),
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement(__package__, "used_by_runs"), asked | known).fetchall()


def used_by_loose_calls(conn: Connection[Any], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What calls of no run came to, a row a slice and kind of work."""
    limits = {
        "runs_from": asked["start"] - LONGEST_EXECUTION,
        "runs_to": asked["end"] + CLOCKS_DIFFER,
        "before": CLOCKS_DIFFER,
        "after": LONGEST_EXECUTION,
        "total": _TOTAL,
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement(__package__, "used_by_loose_calls"), asked | limits).fetchall()


def _sums(row: dict[str, Any]) -> Sums:
    return Sums(**{name: int(row.get(name) or 0) for name in Sums._fields})


def _link(row: Attribution) -> Link:
    kind: Any = row.kind
    return Link(
        kind,
        row.name,
        Target(row.objective_id, row.key_result_id or 0),
        parts_of(row.weight),
        Valid(row.first_day, row.last_day, row.recorded_on),
        Rule(row.task_type, row.agent, row.pattern),
    )


def _result(row: KeyResult, values: list[Value]) -> Result:
    return Result(
        id=row.pk,
        key=row.key,
        title=row.title,
        metric=row.metric,
        unit=row.unit,
        direction=row.direction,
        start=row.start_value,
        target=row.target_value,
        first_day=row.first_day,
        last_day=row.last_day,
        values=tuple(values),
    )


def _like(pattern: str) -> str:
    """The pattern as SQL writes it, so that no task is left out that it fits."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
