"""Expired partitions are taken away whole: detached beside readers and writers, emptied of identities, dropped.

    attached ─▶ detach pending ─▶ detached ─▶ renamed telemetry_expired_… ─▶ identities purged ─▶ dropped

Each step is found as it was left, so a run that was killed is finished by the next. Nothing here is in a transaction
with anything else: DETACH … CONCURRENTLY waits for every transaction that knows the partition, and nobody waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.errors import InternalError_, LockNotAvailable
from psycopg.rows import scalar_row, tuple_row

from telemetry.ledger import partitions, purging
from telemetry.statements import statement

PAGE = 5_000
LOCK_TIMEOUT = "5s"  # of one attempt; waiting, it holds nothing that ingest or readers want
ON_CLUSTER = "100ms"  # of one attempt while others wait behind it
_PAUSE_S = 1.0
_EXPIRED = "telemetry_expired_"
_BEFORE_ALL = (-(2**63), datetime.min.replace(tzinfo=UTC), UUID(int=0))


def drop_expired(conn: Connection[Any], *, before: datetime | None, until: float) -> Iterator[str]:
    """Drop the partitions that end before `before`, and first what an earlier run left half done (None: only that).
    Yields the short name of each when it is gone. Stops at `until` (monotonic). Raises psycopg.Error."""
    with _patience(conn):
        if pending := pending_detach(conn):
            _detach(conn, pending, until)
        for name, is_renamed in detached_partitions(conn):
            if _clear_away(conn, name, until, is_renamed=is_renamed):
                yield name
        for name in expired_partitions(conn, before=before) if before else ():
            if _detach(conn, name, until) and _clear_away(conn, name, until, is_renamed=False):
                yield name


def is_clear(conn: Connection[Any]) -> bool:
    """Whether nothing is left half done."""
    return pending_detach(conn) is None and not detached_partitions(conn)


def expired_partitions(conn: Connection[Any], *, before: datetime) -> list[str]:
    """The attached partitions that end before a moment, oldest first, by their short names."""
    spans = {name: partitions.span_of(name) for name in partitions.partition_names(conn)}
    return sorted((name for name, (_, end) in spans.items() if end <= before), key=lambda name: spans[name])


def sizes_of(conn: Connection[Any], names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """About how many calls these attached partitions hold, and their bytes on disk, indexes and all, by their short
    names. Where PostgreSQL has no estimate yet the calls are counted."""
    sizes = {partitions.short(name): (calls, size) for name, calls, size in partition_sizes(conn)}
    return {
        name: (calls if calls >= 0 else count_partition(conn, name), size)
        for name in names
        for calls, size in [sizes[name]]
    }


def partition_sizes(conn: Connection[Any]) -> Sequence[tuple[str, int, int]]:
    """Each attached partition, about how many calls it holds (-1: not known), and its bytes."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "partition_sizes")).fetchall()


def count_partition(conn: Connection[Any], name: str) -> int:
    """How many calls an attached partition holds."""
    query = sql.SQL(statement(__package__, "count_partition")).format(partition=partitions.table(name))
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(query).fetchone() or 0)


def _detach(conn: Connection[Any], name: str, until: float) -> bool:
    """Detach a partition, or finish what was begun; False where there was no time left."""
    while time.monotonic() < until:
        try:
            if pending_detach(conn) == name:
                finalize_detach(conn, name)
            else:
                detach_partition(conn, name)
        except LockNotAvailable:  # a transaction that knows the partition goes on; by now it is pending, and stays so
            continue
        except InternalError_:  # Citus, which passes on no CONCURRENTLY
            if not _detach_on_cluster(conn, name, until):
                return False
        return True
    return False


def _detach_on_cluster(conn: Connection[Any], name: str, until: float) -> bool:
    """Detach while nobody reads, asking for the lock a moment at a time, since others wait behind who waits for it;
    False where there was no time left."""
    while time.monotonic() < until:
        try:
            with conn.transaction():
                conn.execute("SELECT set_config('lock_timeout', %s, true)", [ON_CLUSTER])
                detach_on_cluster(conn, name)
        except LockNotAvailable:
            time.sleep(_PAUSE_S)
        else:
            return True
    return False


def _clear_away(conn: Connection[Any], name: str, until: float, *, is_renamed: bool) -> bool:
    """Rename a detached partition, purge the identities of its calls, and drop it; False where there was no time left,
    or somebody, a backup say, still reads it."""
    try:
        if not is_renamed:
            rename_detached(conn, name)
        return _purge_names(conn, name, until) and drop_detached(conn, name)
    except LockNotAvailable:
        return False


def _purge_names(conn: Connection[Any], name: str, until: float) -> bool:
    after: tuple[int, datetime, UUID] = _BEFORE_ALL
    while page := page_of_detached(conn, name, after=after):
        if time.monotonic() > until:
            return False
        for project_id, rows in groupby(page, key=itemgetter(0)):
            with conn.transaction():
                purging.purge_identities(conn, project_id=project_id, ids=[call_id for _, _, call_id in rows])
        after = page[-1]
    return True


def pending_detach(conn: Connection[Any]) -> str | None:
    """The partition whose detaching was begun and not finished; PostgreSQL allows one at a time."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        name = cursor.execute(statement(__package__, "pending_detach")).fetchone()
    return partitions.short(name) if name else None


def detached_partitions(conn: Connection[Any]) -> list[tuple[str, bool]]:
    """Partitions that were detached and not dropped yet: their short names, and whether they are renamed already."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        names = cursor.execute(statement(__package__, "detached_partitions")).fetchall()
    return [(partitions.short(name).removeprefix(_EXPIRED), name.startswith(_EXPIRED)) for name in names]


def detach_partition(conn: Connection[Any], name: str) -> None:
    """Raises LockNotAvailable, and the detaching may then be pending."""
    conn.execute(sql.SQL(statement(__package__, "detach_partition")).format(partition=partitions.table(name)))


def detach_on_cluster(conn: Connection[Any], name: str) -> None:
    """The same on every server of a cluster. Raises LockNotAvailable, and then nothing is pending."""
    conn.execute(sql.SQL(statement(__package__, "detach_on_cluster")).format(partition=partitions.table(name)))


def finalize_detach(conn: Connection[Any], name: str) -> None:
    """Finish a detaching that is pending. Raises LockNotAvailable."""
    conn.execute(sql.SQL(statement(__package__, "finalize_detach")).format(partition=partitions.table(name)))


def rename_detached(conn: Connection[Any], name: str) -> None:
    """Give a detached partition a name that no new partition can want."""
    parts = {"partition": partitions.table(name), "expired": _expired(name)}
    conn.execute(sql.SQL(statement(__package__, "rename_detached")).format(**parts))


def page_of_detached(
    conn: Connection[Any], name: str, *, after: tuple[int, datetime, UUID]
) -> Sequence[tuple[int, datetime, UUID]]:
    """(project, moment, id) of the next PAGE calls of a detached partition."""
    query = sql.SQL(statement(__package__, "page_of_detached")).format(expired=_expired(name))
    arguments = {"project": after[0], "moment": after[1], "call": after[2], "limit": PAGE}
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, arguments).fetchall()


def drop_detached(conn: Connection[Any], name: str) -> bool:
    """Drop a detached partition. Raises LockNotAvailable."""
    conn.execute(sql.SQL(statement(__package__, "drop_detached")).format(expired=_expired(name)))
    return True


def _expired(name: str) -> sql.Identifier:
    return sql.Identifier(_EXPIRED + name)


@contextmanager
def _patience(conn: Connection[Any]) -> Iterator[None]:
    """Inside, no single attempt waits longer than LOCK_TIMEOUT for a lock."""
    conn.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
    try:
        yield
    finally:
        conn.execute("RESET lock_timeout")
