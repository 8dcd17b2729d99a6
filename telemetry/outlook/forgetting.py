"""What is of no use any more: forecasts whose outcome nobody will know, and tasks that nobody has run for long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from telemetry.series import fold_state
from telemetry.statements import statement

UNKNOWN = timedelta(days=30)  # after which no outcome of a forecast is awaited
UNUSED = timedelta(days=400)  # after which a task that was not run is as one that never was


def forget(conn: Connection[Any], *, now: datetime) -> None:
    """Delete it in every project. Runs that have ended, and what they came to, stay. Raises psycopg.Error."""
    for project_id, _ in fold_state.project_zones(conn):
        forget_forecasts(conn, project_id=project_id, before=now - UNKNOWN)
        forget_tasks(conn, project_id=project_id, before=now - UNUSED)


def forget_forecasts(conn: Connection[Any], *, project_id: int, before: datetime) -> None:
    """Delete forecasts that were asked for before then and have no outcome."""
    conn.execute(statement(__package__, "forget_forecasts"), {"project": project_id, "before": before})


def forget_tasks(conn: Connection[Any], *, project_id: int, before: datetime) -> None:
    """Delete what is known of single tasks whose last run ended before then."""
    conn.execute(statement(__package__, "forget_tasks"), {"project": project_id, "before": before})
