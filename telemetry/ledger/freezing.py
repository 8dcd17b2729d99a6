"""Closed days are frozen: once a day's calls have settled, its partition is vacuumed for good.

PostgreSQL must freeze every row some day, and does it on its own when a table is old, all at once; done early, while
the pages are in memory, a day is written once and never read for it again. What late calls change is done again.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import scalar_row

from telemetry.ledger import partitions
from telemetry.statements import statement

SETTLED = timedelta(days=2)  # after the end of a day: what comes later is rare
CHANGED = 1000  # rows written since, after which a day is worth another look
_GENTLE = "2ms"  # vacuum's pause between portions of work, so that it leaves the disk to others


def freeze_settled(conn: Connection[Any], *, now: datetime, until: float) -> list[str]:
    """Freeze the partitions whose days closed SETTLED ago and have not been frozen since they last changed, oldest
    first, up to `until` (monotonic). Returns their names. Outside of a transaction; waits for no lock."""
    before, frozen = now - SETTLED, list[str]()
    conn.execute("SELECT set_config('vacuum_cost_delay', %s, false)", [_GENTLE])
    try:
        for name in partitions_to_freeze(conn):
            if partitions.span_of(name)[1] <= before and time.monotonic() < until:
                freeze_partition(conn, name)
                frozen.append(name)
    finally:
        conn.execute("RESET vacuum_cost_delay")
    return frozen


def partitions_to_freeze(conn: Connection[Any]) -> list[str]:
    """The partitions that were never vacuumed by us, or have changed since, without the common prefix."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        names = cursor.execute(statement(__package__, "partitions_to_freeze"), {"changed": CHANGED}).fetchall()
    return sorted((partitions.short(name) for name in names), key=lambda name: partitions.span_of(name)[0])


def freeze_partition(conn: Connection[Any], name: str) -> None:
    """Vacuum and freeze one partition, unless somebody else is at work on it."""
    conn.execute(sql.SQL(statement(__package__, "freeze_partition")).format(partition=partitions.table(name)))
