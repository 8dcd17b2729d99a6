"""The rollups of 100 million calls, and the calls of the newest 10 million: what fits on a small disk.

Calls are written a day at a time, folded by the product's own rebuild while the next day is written, and taken away
again (TRUNCATE) until only the newest tenth is left to be written. A first week is invented as all that other
benchmarks read; the weeks after it are that week again with other sessions (`scale_copy.py`), and the newest tenth is
invented again. So no sum is invented, and the disk never holds more than ten days and that tenth.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection

from benchmarks import harness, scale_copy, scale_fill
from benchmarks.scale_calls import DAYS

CALLS = 100_000_000
KEPT = 10_000_000
NAME = "calls_hundred"
WEEK = 7


def ready(first: harness.Instance, *, calls: int = CALLS, kept: int = KEPT) -> harness.Instance:
    """The database, made where it is not yet; a run that was stopped goes on with the first day that is not folded."""
    place = harness.database(first, NAME)
    from telemetry.database import connection
    from telemetry.ledger import partitions

    conn, now, began = connection(), datetime.now(UTC), monotonic()
    days = [(now - timedelta(days=back)).date() for back in range(DAYS, -1, -1)]
    partitions.ensure(conn, [*days, now.date() + timedelta(days=1)], now=now)
    folded = folded_until(conn)
    left = [day for day in days if folded is None or day > folded]
    taken = [day for day in left if kept * DAYS < (now.date() - day).days * calls]
    conn.execute("TRUNCATE telemetry_dirty")  # what the migrations marked
    _forget(conn, left)
    with ThreadPoolExecutor(1) as beside, psycopg.connect(place.dsn, autocommit=True) as second:
        folding: Future[None] | None = None
        for number, day in enumerate(left):
            if day in taken[WEEK:]:
                scale_copy.again(conn, project_id=place.project_id, pattern=left[number % WEEK], day=day)
            else:
                _invent(conn, place.project_id, day, calls=calls, now=now, identified=day not in taken)
            conn.execute(f"ANALYZE telemetry_call_d{day:%Y%m%d}".encode())
            if folding:
                folding.result()
            if day != left[0]:  # nothing was before it, or that is folded and its calls are gone
                spared = {*left[: WEEK + 1], *left[len(taken) :]}
                folding = beside.submit(_fold, second, place.project_id, day, spared=spared, now=now)
            scale_fill.say("hundred", day=str(day), minutes=round((monotonic() - began) / 60, 1))
        if folding:
            folding.result()
    _take(conn, taken)
    scale_fill.add_up(place.project_id, now=now)
    conn.execute("VACUUM ANALYZE")
    total = (conn.execute("SELECT sum(calls) FROM telemetry_rollup_brief_1d").fetchone() or (0,))[0]
    scale_fill.say("size", folded=int(total), **scale_fill.sizes(conn))
    return place


def folded_until(conn: Connection[Any]) -> date | None:
    """The newest day that is folded: each is folded when all its calls are there."""
    newest = (conn.execute("SELECT max(bucket) FROM telemetry_rollup_brief_1d").fetchone() or (None,))[0]
    return None if newest is None else newest.date()


def _forget(conn: Connection[Any], days: Sequence[date]) -> None:
    """Take away what a run that was stopped wrote of days that it did not fold."""
    for day in days:
        conn.execute(f"TRUNCATE telemetry_call_d{day:%Y%m%d}".encode())
    if days:
        began = (datetime.combine(days[0], time(), UTC),)
        conn.execute("DELETE FROM telemetry_identity WHERE started_at >= %s", began)
        conn.execute("DELETE FROM telemetry_execution WHERE started_at >= %s", began)
        conn.execute("DELETE FROM telemetry_session WHERE started_at >= %s", began)


def _invent(conn: Connection[Any], project_id: int, day: date, *, calls: int, now: datetime, identified: bool) -> None:
    """Write what began on a day."""
    filled = scale_fill.fill(conn, project_id=project_id, calls=calls, now=now, days=[day], identified=identified)
    for _ in filled:
        pass


def _fold(conn: Connection[Any], project_id: int, day: date, *, spared: Collection[date], now: datetime) -> None:
    """Fold the day before one that is written, for it is whole only now, and take its calls unless it is spared."""
    from telemetry.series import rollups

    before = day - timedelta(days=1)
    last = day if day == now.date() else before  # nothing comes after today
    for _ in rollups.rebuild(conn, project_id=project_id, now=now, first=before, last=last):
        pass
    if before not in spared:
        _take(conn, [before])


def _take(conn: Connection[Any], days: Sequence[date]) -> None:
    """Take the calls and the runs of days away."""
    for day in days:
        began = datetime.combine(day, time(), UTC)
        conn.execute(f"TRUNCATE telemetry_call_d{day:%Y%m%d}".encode())
        conn.execute(
            "DELETE FROM telemetry_execution WHERE started_at >= %s AND started_at < %s", (began, began + timedelta(1))
        )
