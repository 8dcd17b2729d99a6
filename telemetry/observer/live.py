"""LIVE: executions are judged as soon as they are added up, what was reported of their days is outdated, and what they
came to is learned for forecasts.

All in the transaction that adds them up, so that a kill at any moment loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.jobs import queue
from telemetry.jobs.schedule import HORIZON_DAYS
from telemetry.observer import judging
from telemetry.observer.alerts.waking import after_forecasting
from telemetry.observer.kinds import KINDS
from telemetry.outlook import keystats
from telemetry.series import fold_state, runs
from telemetry.series.window import time_zone
from telemetry.statements import statement

_DAY = timedelta(days=1)


def check_due(conn: Connection[Any], *, now: datetime) -> None:
    """Add up the executions whose calls changed and judge them, in every project; and learn from those that are over by
    now. Raises psycopg.Error."""
    runs.sum_due(conn, now=now, then=_then(now))
    keystats.learn_due(conn, now=now)


def catch_up(conn: Connection[Any], *, project_id: int, now: datetime, patience_s: float) -> bool:
    """The same of all that is folded of one project, within so many seconds; whether that was done."""
    return runs.catch_up(conn, project_id=project_id, now=now, patience_s=patience_s, then=_then(now))


def _then(now: datetime) -> runs.Then:
    def then(conn: Connection[Any], project_id: int, keys: Sequence[str], /) -> None:
        judging.judge_runs(conn, project_id=project_id, keys=keys, now=now)
        outdate(conn, project_id=project_id, keys=keys, now=now)
        if keystats.learn(conn, project_id=project_id, keys=keys, now=now):
            after_forecasting(conn, project_id=project_id, now=now)

    return then


def outdate(conn: Connection[Any], *, project_id: int, keys: Sequence[str], now: datetime) -> int:
    """These executions changed: reports of the days that they began on, and of all days between, are to be made again.
    Today has none. Returns how many that concerns."""
    first, last = span_of_runs(conn, project_id=project_id, keys=keys)
    if first is None or last is None:
        return 0
    tz = time_zone(fold_state.project_zone(conn, project_id=project_id))
    today = now.astimezone(tz).date()
    first_day, last_day = first.astimezone(tz).date(), last.astimezone(tz).date()
    if first_day >= today:
        return 0
    days = {"first_day": first_day, "last_day": min(last_day, today), "since": today - HORIZON_DAYS * _DAY}
    return queue.outdate(conn, project_id=project_id, kinds=tuple(KINDS), **days)


def span_of_runs(
    conn: Connection[Any], *, project_id: int, keys: Sequence[str]
) -> tuple[datetime | None, datetime | None]:
    """When the first and the last of these executions began."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments = {"project": project_id, "keys": list(keys)}
        found = cursor.execute(statement(__package__, "span_of_runs"), arguments).fetchone()
    return found or (None, None)
