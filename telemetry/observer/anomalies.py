"""Anomalies as they are read: how many, which, and how often each detector was right.

Every verb is about one project. A window is one of moments at which runs began; filters are those of `narrowing.py`.
An anomaly that a person judged and that no longer holds is kept for the sake of the verdict, and is in no list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
from psycopg import Connection, sql
from psycopg.rows import scalar_row, tuple_row

from telemetry.observer import narrowing
from telemetry.observer.narrowing import Filters
from telemetry.series import waste_sums
from telemetry.series.window import Window
from telemetry.statements import statement

Order = Literal["severity", "newest"]
ORDERS: tuple[Order, ...] = get_args(Order)
ENOUGH_JUDGED = 5  # below that many a share says nothing
# What an order compares, each the greatest first; the last two are the anomaly's own key, so no two places are equal.
_KEYS: Mapping[Order, tuple[sql.SQL, ...]] = {
    "severity": (
        *(sql.SQL("(severity = 'high')"), sql.SQL("tokens_wasted"), sql.SQL("started_at")),
        *(sql.SQL("execution_id"), sql.SQL("detector")),
    ),
    "newest": (sql.SQL("started_at"), sql.SQL("execution_id"), sql.SQL("detector")),
}


@dataclass(frozen=True, slots=True)
class Count:
    """So many anomalies of runs that began in the bucket `at` (UTC)."""

    at: datetime
    detector: str
    severity: str
    state: str
    anomalies: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An anomaly as it stands in a list; `tokens` is the whole run in the measure of `tokens_wasted`."""

    execution_id: str
    detector: str
    severity: str
    started_at: datetime
    task_id: str
    task_type: str
    agent: str
    model: str
    session_id: str
    tokens: int
    tokens_wasted: int
    state: str
    state_at: datetime | None
    state_by: str
    note: str
    found_at: datetime
    evidence: Mapping[str, Any]

    def place(self, order: Order) -> tuple[Any, ...]:
        """Where it stands in an order: what `listed` goes on after."""
        newest = (self.started_at, self.execution_id, self.detector)
        return newest if order == "newest" else (self.severity == "high", self.tokens_wasted, *newest)


@dataclass(frozen=True, slots=True)
class Judged:
    """Of so many anomalies of a detector that people judged, so many were none."""

    judged: int = 0
    not_waste: int = 0

    @property
    def is_telling(self) -> bool:
        """Whether there are enough to speak of a share."""
        return self.judged >= ENOUGH_JUDGED

    @property
    def right(self) -> int:
        """Those that people left standing."""
        return self.judged - self.not_waste


def anomaly_counts(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[Count]:
    """The counts of each bucket of a window, oldest first; buckets without any are left out. One pass, whose parts add
    up to every count that a page shows; of rollups where these keep what it is narrowed by. Raises UnknownFilter."""
    edges = window.edges()
    whole = [*edges, window.end]
    if waste_sums.is_kept(whole, filters):
        kept = waste_sums.waste_by(conn, project_id=project_id, edges=whole, filters=filters)
        return [Count(edges[row.place - 1], *row[1:5]) for row in kept if row.detector]
    query = sql.SQL(statement(__package__, "anomaly_counts")).format(filters=narrowing.clauses(filters))
    arguments = {"project": project_id, "start": window.start, "end": window.end, "edges": edges}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**arguments, **narrowing.arguments(filters)}).fetchall()
    return [Count(edges[bucket - 1], *rest) for bucket, *rest in rows]


def listed(
    conn: Connection[Any],
    *,
    project_id: int,
    start: datetime,
    end: datetime,
    filters: Filters | None = None,
    order: Order = "severity",
    limit: int,
    offset: int = 0,
    after: Collection[Any] = (),
) -> list[Listed]:
    """Anomalies of runs that began in [start, end): high ones first and then by waste, or the newest first. `after` is
    the place of the last one that is known already. Raises UnknownFilter."""
    keys = _KEYS[order]
    query = sql.SQL(statement(__package__, "listed")).format(
        filters=narrowing.clauses(filters),
        after=_after(keys) if after else sql.SQL(""),
        order=sql.SQL(", ").join(sql.SQL("{} DESC").format(key) for key in keys),
    )
    arguments = {"project": project_id, "start": start, "end": end, "limit": limit, "offset": offset}
    arguments |= {f"after_{number}": value for number, value in enumerate(after)}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**arguments, **narrowing.arguments(filters)}).fetchall()
    return [Listed(*(*columns, msgspec.json.decode(evidence))) for *columns, evidence in rows]


def judged(conn: Connection[Any], *, project_id: int) -> dict[str, Judged]:
    """How people judged each detector so far; those that nobody judged are left out."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "judged"), {"project": project_id}).fetchall()
    return {detector: Judged(of_it, not_waste) for detector, of_it, not_waste in rows}


def runs_begun(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> int:
    """How many runs of tasks began in [start, end)."""
    arguments = {"project": project_id, "start": start, "end": end}
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(statement(__package__, "runs_begun"), arguments).fetchone() or 0)


def _after(keys: Collection[sql.SQL]) -> sql.Composed:
    places = [sql.Placeholder(f"after_{number}") for number in range(len(keys))]
    return sql.SQL("AND ({}) < ({})").format(sql.SQL(", ").join(keys), sql.SQL(", ").join(places))
