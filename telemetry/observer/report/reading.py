"""What a report asks the database: a few rows an answer, whatever the number of runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.limits.account import Account
from telemetry.observer import waste
from telemetry.observer.waste import WasteSums
from telemetry.outlook import changes, day_sums, trend_reading
from telemetry.outlook.decomposition import Difference
from telemetry.outlook.verdicts import Verdict
from telemetry.series import fold_state
from telemetry.series.comparisons import LONGEST_EXECUTION
from telemetry.series.window import time_zone
from telemetry.statements import statement


class Span(NamedTuple):
    """[start, end) of a project."""

    project: int
    start: datetime
    end: datetime


class Days(NamedTuple):
    """The same span as local days of a zone, both inclusive."""

    first: date
    last: date
    zone: str


class TaskSums(NamedTuple):
    """What tasks add up to: all (no dimension), those of one agent, model or task type, or those of `names` others."""

    dimension: str
    name: str
    names: int
    tasks: int
    calls: int
    input_uncached: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    cache_write_unknown: int
    output: int
    cost_nanousd: int
    unpriced_calls: int
    tokens_wasted: int

    @property
    def inputs(self) -> dict[str, int]:
        """Input tokens by bucket."""
        return {
            "uncached": int(self.input_uncached),
            "cache_read": int(self.cache_read),
            "cache_write_5m": int(self.cache_write_5m),
            "cache_write_1h": int(self.cache_write_1h),
            "cache_write_unknown": int(self.cache_write_unknown),
        }

    @property
    def tokens(self) -> int:
        """Input and output, each token once."""
        return sum(self.inputs.values()) + int(self.output)


class LooseCalls(NamedTuple):
    """What the calls of no task add up to. One that names none, and fell into the time of a task of its session, counts
    as that task's."""

    calls: int
    tokens: int | None
    cost_nanousd: int | None
    unpriced_calls: int


class ListedAnomaly(NamedTuple):
    """One anomaly as its row says; `evidence` is JSON."""

    execution_id: str
    task_id: str
    detector: str
    severity: str
    started_at: datetime
    tokens: int
    tokens_wasted: int
    evidence: str


class Compared(NamedTuple):
    """The days beside those before: how many verdicts have each state, the dearest that are unusual, and what a day
    cost more."""

    states: dict[str, int]
    flagged: list[Verdict]
    cost: Difference | None


class Found(NamedTuple):
    """All that a report is made of. `loose` is None where calls of the span have expired."""

    tasks: list[TaskSums]
    waste: WasteSums
    listed: list[ListedAnomaly]
    loose: LooseCalls | None
    compared: Compared
    account: Account | None


def read(
    conn: Connection[Any],
    span: Span,
    days: Days,
    *,
    severities: Sequence[str],
    most_listed: int,
    most_leaders: int,
    most_unusual: int,
    has_calls: bool,
    count: Callable[[Connection[Any]], Account | None],
) -> Found:
    """Everything, of one instant of the database, so that the figures agree; `count` says what was spent for what. To
    be called outside of a transaction."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return Found(
            tasks=tasks_by(conn, span, limit=most_leaders),
            waste=waste.sums(conn, project_id=span.project, start=span.start, end=span.end),
            listed=listed_anomalies(conn, span, severities=severities, limit=most_listed),
            loose=loose_calls(conn, span) if has_calls else None,
            compared=compared(conn, span.project, days, limit=most_unusual),
            account=count(conn),
        )


def compared(conn: Connection[Any], project_id: int, days: Days, *, limit: int) -> Compared:
    """The days beside those before; as far as the night has judged them."""
    recorded = fold_state.quarter_range(conn, project_id=project_id)
    cost = None
    if recorded is not None:
        tz = time_zone(days.zone)
        since, before = recorded[0].astimezone(tz).date(), days.first - timedelta(days=changes.LONGEST)
        sums = day_sums.read(conn, project_id=project_id, first=before, last=days.last, tz=tz)
        cost = changes.change(sums, first=days.first, last=days.last, since=since)
    judged: dict[str, Any] = {"project_id": project_id, "first": days.first, "last": days.last}
    return Compared(
        states=trend_reading.verdict_counts(conn, **judged),
        flagged=trend_reading.flagged_verdicts(conn, **judged, limit=limit),
        cost=cost,
    )


def tasks_by(conn: Connection[Any], asked: Span, *, limit: int) -> list[TaskSums]:
    """What the tasks of a span add up to: in all, and by dimension the `limit` with the most tokens, then others."""
    with conn.cursor(row_factory=class_row(TaskSums)) as cursor:
        return cursor.execute(statement(__package__, "tasks_by"), asked._asdict() | {"limit": limit}).fetchall()


def loose_calls(conn: Connection[Any], asked: Span) -> LooseCalls:
    """What the calls of a span that belong to no task add up to."""
    arguments = asked._asdict() | {"runs_from": asked.start - LONGEST_EXECUTION}
    with conn.cursor(row_factory=class_row(LooseCalls)) as cursor:
        return cursor.execute(statement(__package__, "loose_calls"), arguments).fetchall()[0]


def listed_anomalies(
    conn: Connection[Any], asked: Span, *, severities: Sequence[str], limit: int
) -> list[ListedAnomaly]:
    """The anomalies of a span that waste the most, at most `limit` of a severity, oldest first."""
    arguments = asked._asdict() | {"severities": list(severities), "limit": limit}
    with conn.cursor(row_factory=class_row(ListedAnomaly)) as cursor:
        return cursor.execute(statement(__package__, "listed_anomalies"), arguments).fetchall()
