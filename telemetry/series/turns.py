"""Turns: who makes sums of a project anew has that project for himself, in a transaction of his own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import scalar_row

from telemetry.ledger import dirty
from telemetry.statements import statement

_LONGEST_WAIT_S = 60.0


class Busy(RuntimeError):
    """Somebody else is at this work for this project."""


class InTransaction(RuntimeError):
    """Summing begins a transaction of its own: another would keep the lock, and may not see what is committed."""


@contextmanager
def turn(conn: Connection[Any], *, slot: int, wait_s: float) -> Iterator[None]:
    """A transaction that has a lock for itself, waited for so long at most, and in which each statement sees what was
    committed until then. Raises Busy, InTransaction."""
    if conn.info.transaction_status is not TransactionStatus.IDLE:
        raise InTransaction("Summing begins a transaction of its own.")
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        _lock(conn, slot, wait_s)
        yield


def _lock(conn: Connection[Any], slot: int, wait_s: float) -> None:
    """Raises Busy."""
    if not wait_s:
        if not try_lock_slot(conn, slot=slot):
            raise Busy
        return
    timeout_ms = max(1, int(min(wait_s, _LONGEST_WAIT_S) * 1000))
    conn.execute("SELECT set_config('lock_timeout', %s, true)", [f"{timeout_ms}ms"])
    try:
        dirty.lock_slot(conn, slot=slot)
    except psycopg.errors.LockNotAvailable as error:
        raise Busy from error


def try_lock_slot(conn: Connection[Any], *, slot: int) -> bool:
    """Take an advisory lock until the transaction ends, if nobody has it."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(statement(__package__, "try_lock_slot"), {"slot": slot}).fetchone())
