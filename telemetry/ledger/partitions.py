"""Partitions of `telemetry_call`: a day each for the last 90 days and ahead, a month each before.

Made ahead by the beat, and on demand for late data, so that no key can make thousands. A new partition is created
on its own and then attached, which blocks neither readers nor writers; there is no DEFAULT partition, because rows
in one would block the real partition for ever. Names say the range: `telemetry_call_d20261120`, `…_m202601`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import scalar_row

from telemetry.statements import statement

DAYS_AHEAD = 14
DAILY_FOR = timedelta(days=90)
_PREFIX = "telemetry_call_"
_LOCK = 7_346_001

_known: dict[str, set[str]] = {}


def ensure_ahead(conn: Connection[Any], *, now: datetime) -> None:
    """Make the partitions of today and the next 14 days."""
    today = now.astimezone(UTC).date()
    ensure(conn, [today + timedelta(days=n) for n in range(DAYS_AHEAD + 1)], now=now)


def ensure(conn: Connection[Any], days: Iterable[date], *, now: datetime) -> None:
    """Make the partitions that calls of these UTC days need. Cheap where all are known; call it before the
    transaction that writes, so that no lock on the table outlives the making."""
    known = _known.setdefault(_server(conn), set())
    missing = sorted(day for day in set(days) if not _covers(known, day))
    if not missing:
        return
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        there = partition_names(conn)
        for day in missing:
            if not _covers(there, day):
                there.add(_make(conn, day, there, now))
    if conn.info.transaction_status is TransactionStatus.IDLE:  # else the making may still be rolled back
        known.clear()
        known.update(there)


def forget(conn: Connection[Any]) -> None:
    """Look again at the next write: a partition that was known is gone."""
    _known.pop(_server(conn), None)


def partition_names(conn: Connection[Any]) -> set[str]:
    """The names of all attached partitions, without the common prefix."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        names = cursor.execute(statement(__package__, "partition_names")).fetchall()
    return {short(name) for name in names}


def short(name: str) -> str:
    """A partition's name without the common prefix: `d20261120`, `m202601`."""
    return name.removeprefix(_PREFIX)


def table(name: str) -> sql.Identifier:
    """The table of a partition, by its short name."""
    return sql.Identifier(_PREFIX + name)


def span_of(name: str) -> tuple[datetime, datetime]:
    """When the day or month of a partition begins and ends, by its short name."""
    start = datetime.strptime(name[1:], "%Y%m%d" if name.startswith("d") else "%Y%m").replace(tzinfo=UTC)
    return start, start + timedelta(days=1) if name.startswith("d") else (start + timedelta(days=32)).replace(day=1)


def horizon(conn: Connection[Any], *, now: datetime) -> date:
    """The last day, from today on, up to which every day has its partition; yesterday where today has none."""
    names = partition_names(conn)
    day = now.astimezone(UTC).date()
    while _covers(names, day):
        day += timedelta(days=1)
    return day - timedelta(days=1)


def _server(conn: Connection[Any]) -> str:
    info = conn.info
    return f"{info.host}:{info.port}/{info.dbname}"


def _covers(names: set[str], day: date) -> bool:
    return f"d{day:%Y%m%d}" in names or f"m{day:%Y%m}" in names


def _make(conn: Connection[Any], day: date, there: set[str], now: datetime) -> str:
    """Create and attach the partition for `day`; a month where the month is old and has no daily ones."""
    first = day.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    is_old = after <= (now - DAILY_FOR).astimezone(UTC).date()
    if is_old and not any(name.startswith(f"d{day:%Y%m}") for name in there):
        return _create_and_attach(conn, f"m{day:%Y%m}", first, after)
    return _create_and_attach(conn, f"d{day:%Y%m%d}", day, day + timedelta(days=1))


def _create_and_attach(conn: Connection[Any], name: str, start: date, end: date) -> str:
    create_partition(conn, name)
    attach_partition(conn, name, start, end)
    return name


def create_partition(conn: Connection[Any], name: str) -> None:
    """Make a partition's table, apart from the others."""
    parts = {"partition": sql.Identifier(_PREFIX + name)}
    conn.execute(sql.SQL(statement(__package__, "create_partition")).format(**parts))


def attach_partition(conn: Connection[Any], name: str, start: date, end: date) -> None:
    """Attach it for the calls from the beginning of `start` up to that of `end`, in UTC."""
    parts = {
        "partition": table(name),
        "start": sql.Literal(datetime.combine(start, time(), UTC)),
        "end": sql.Literal(datetime.combine(end, time(), UTC)),
    }
    conn.execute(sql.SQL(statement(__package__, "attach_partition")).format(**parts))
