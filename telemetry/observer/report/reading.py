"""What a report asks the database: a few rows an answer, whatever the number of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.observer import waste
from telemetry.observer.waste import WasteSums
from telemetry.series.comparisons import LONGEST_EXECUTION
from telemetry.statements import statement


class Span(NamedTuple):
    """[start, end) of a project."""

    project: int
    start: datetime
    end: datetime


class RunTotals(NamedTuple):
    """What the tasks of a period add up to; None where there are none."""

    tasks: int
    calls: int | None
    input_uncached: int | None
    cache_read: int | None
    cache_write_5m: int | None
    cache_write_1h: int | None
    cache_write_unknown: int | None
    output: int | None
    cost_nanousd: int | None
    unpriced_calls: int | None

    @property
    def inputs(self) -> dict[str, int]:
        """Input tokens by bucket."""
        return {
            "uncached": int(self.input_uncached or 0),
            "cache_read": int(self.cache_read or 0),
            "cache_write_5m": int(self.cache_write_5m or 0),
            "cache_write_1h": int(self.cache_write_1h or 0),
            "cache_write_unknown": int(self.cache_write_unknown or 0),
        }


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


class LeaderRow(NamedTuple):
    """An agent, model or task type, or what `names` others add up to."""

    dimension: str
    is_others: bool
    name: str
    names: int
    tasks: int
    tokens: int
    cost_nanousd: int
    unpriced_calls: int
    calls: int
    tokens_wasted: int


class Found(NamedTuple):
    """All that a report is made of. `loose` is None where calls of the span have expired."""

    totals: RunTotals
    waste: WasteSums
    listed: list[ListedAnomaly]
    leading: list[LeaderRow]
    loose: LooseCalls | None


def read(conn: Connection[Any], span: Span, *, most_listed: int, most_leaders: int, has_calls: bool) -> Found:
    """Everything, of one instant of the database, so that the figures agree. To be called outside of a transaction."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return Found(
            totals=run_totals(conn, span),
            waste=waste.sums(conn, project_id=span.project, start=span.start, end=span.end),
            listed=listed_anomalies(conn, span, limit=most_listed),
            leading=leaders(conn, span, limit=most_leaders),
            loose=loose_calls(conn, span) if has_calls else None,
        )


def run_totals(conn: Connection[Any], asked: Span) -> RunTotals:
    """What the tasks of a span add up to."""
    with conn.cursor(row_factory=class_row(RunTotals)) as cursor:
        return cursor.execute(statement(__package__, "run_totals"), asked._asdict()).fetchall()[0]


def loose_calls(conn: Connection[Any], asked: Span) -> LooseCalls:
    """What the calls of a span that belong to no task add up to."""
    arguments = asked._asdict() | {"runs_from": asked.start - LONGEST_EXECUTION}
    with conn.cursor(row_factory=class_row(LooseCalls)) as cursor:
        return cursor.execute(statement(__package__, "loose_calls"), arguments).fetchall()[0]


def listed_anomalies(conn: Connection[Any], asked: Span, *, limit: int) -> list[ListedAnomaly]:
    """The anomalies of a span that waste the most, at most `limit` of a severity, oldest first."""
    with conn.cursor(row_factory=class_row(ListedAnomaly)) as cursor:
        return cursor.execute(statement(__package__, "listed_anomalies"), asked._asdict() | {"limit": limit}).fetchall()


def leaders(conn: Connection[Any], asked: Span, *, limit: int) -> list[LeaderRow]:
    """The agents, models and task types of a span with the most tokens, and the sum of the others."""
    with conn.cursor(row_factory=class_row(LeaderRow)) as cursor:
        return cursor.execute(statement(__package__, "leaders"), asked._asdict() | {"limit": limit}).fetchall()
