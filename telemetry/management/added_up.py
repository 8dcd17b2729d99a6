"""What commands read sums by: everything that was recorded is added up first, or the person is told what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from psycopg import Connection

from telemetry.database import connection, snapshot
from telemetry.series.rollups import catch_up
from telemetry.series.rows import waiting_minutes

PATIENCE_S = 10


@contextmanager
def added_up(project_id: int, *, now: datetime) -> Iterator[tuple[Connection[Any], str]]:
    """One instant of the database in which the calls of a project are added up, and a sentence for the person where
    there were more than can be added up while he waits; else an empty one."""
    catch_up(connection(), project_id=project_id, now=now, patience=PATIENCE_S)
    with snapshot() as conn:
        minutes = waiting_minutes(conn, project_id=project_id)
        missing = f"Calls of {minutes:,} minute{'' if minutes == 1 else 's'} are still being added up and missing here."
        yield conn, missing if minutes else ""
