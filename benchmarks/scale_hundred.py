"""The rollups of 100 million calls, and the calls of the newest 10 million: what fits on a small disk.

Calls are written a day at a time, folded by the product's own rebuild, and taken away again (TRUNCATE) until only the
newest tenth is left to be written. So no sum is invented, and the disk never holds more than a day and that tenth.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Any

from psycopg import Connection

from benchmarks import harness, scale_fill
from benchmarks.scale_calls import DAYS

CALLS = 100_000_000
KEPT = 10_000_000
NAME = "calls_hundred"


def ready(first: harness.Instance, *, calls: int = CALLS, kept: int = KEPT) -> harness.Instance:
    """The database, made where it is not yet; a run that was stopped goes on with the first day that is not folded."""
    place = harness.database(first, NAME)
    from telemetry.database import connection
    from telemetry.ledger import partitions

    conn, now, began = connection(), datetime.now(UTC), monotonic()
    days = [(now - timedelta(days=back)).date() for back in range(DAYS, -1, -1)]
    partitions.ensure(conn, [*days, now.date() + timedelta(days=1)], now=now)
    folded = folded_until(conn)
    for day in days:
        if folded is None or day > folded:
            _one_day(conn, place.project_id, day, calls=calls, kept=kept, now=now)
            scale_fill.say("hundred", day=str(day), minutes=round((monotonic() - began) / 60, 1))
    conn.execute("VACUUM ANALYZE")
    total = (conn.execute("SELECT sum(calls) FROM telemetry_rollup_brief_1d").fetchone() or (0,))[0]
    scale_fill.say("size", folded=int(total), **scale_fill.sizes(conn))
    return place


def folded_until(conn: Connection[Any]) -> date | None:
    """The newest day that is folded with all its calls: the one before that of the newest bucket."""
    newest = (conn.execute("SELECT max(bucket) FROM telemetry_rollup_brief_1d").fetchone() or (None,))[0]
    return None if newest is None else (newest - timedelta(days=1)).date()


def _one_day(conn: Connection[Any], project_id: int, day: date, *, calls: int, kept: int, now: datetime) -> None:
    """Write what began on a day, fold the day before, which is whole only now, and take its calls unless they stay."""
    from telemetry.series import rollups

    for _ in scale_fill.fill(conn, project_id=project_id, calls=calls, now=now, days=[day]):
        pass
    conn.execute("TRUNCATE telemetry_dirty")
    conn.execute(f"ANALYZE telemetry_call_d{day:%Y%m%d}".encode())
    before = day - timedelta(days=1)
    last = day if day == now.date() else before
    for _ in rollups.rebuild(conn, project_id=project_id, now=now, first=before, last=last):
        pass
    if kept * DAYS < (now.date() - before).days * calls <= DAYS * calls:
        conn.execute(f"TRUNCATE telemetry_call_d{before:%Y%m%d}".encode())
        conn.execute("TRUNCATE telemetry_identity")
        conn.execute("DELETE FROM telemetry_execution WHERE started_at < %s", (datetime.combine(day, time(), UTC),))
