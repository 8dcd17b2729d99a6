"""What waits to be folded into the rollups: the minutes in which calls or executions changed.

Whoever changes one says so here, in the same transaction, so that a change is folded if and only if it is committed.
Marks are only ever added: one that were shared would make writers wait for each other, or be lost. Source: sql.md §2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.ledger.arrays import int8s
from telemetry.ledger.cursors import sending_arrays
from telemetry.statements import prepared, statement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_S = 60
_DAY_MINUTES = 1440


def mark(conn: Connection[Any], *, project_id: int, moments: Iterable[datetime]) -> None:
    """Note that calls or executions of a project changed that began at these moments: before and after the change,
    where it moved one."""
    since = [moment - _EPOCH for moment in moments]  # whatever their zone
    minutes = {one.days * _DAY_MINUTES + one.seconds // _MINUTE_S for one in since}
    if minutes:
        mark_minutes(conn, project_id=project_id, minutes=sorted(minutes))


def mark_minutes(conn: Connection[Any], *, project_id: int, minutes: Sequence[int]) -> None:
    """Add a mark for each UTC day of minutes, which are counted from 1970."""
    arguments = {"project": project_id, "minutes": int8s(minutes)}  # as datetimes they took 4 µs of a call's 15
    sending_arrays(conn).execute(statement(__package__, "mark_minutes"), arguments)


def lock_folding(conn: Connection[Any], *, project_id: int) -> None:
    """Wait until nobody folds this project, and let nobody until the transaction ends."""
    lock_slot(conn, slot=slot(project_id))


def lock_runs(conn: Connection[Any], *, project_id: int) -> None:
    """Wait until nobody adds up the runs of this project, and let nobody until the transaction ends. Who wants both
    locks takes that of the fold first."""
    lock_slot(conn, slot=slot(project_id, work="runs"))


def lock_judging(conn: Connection[Any], *, project_id: int) -> None:
    """Wait until nobody judges runs of this project, or changes its anomalies otherwise, and let nobody until the
    transaction ends. It comes after both others. A statement of its own, so that what comes next sees all that was
    committed before the lock was had."""
    lock_slot(conn, slot=slot(project_id, work="judging"))


def lock_slot(conn: Connection[Any], *, slot: int) -> None:
    """Take an advisory lock until the transaction ends."""
    prepared(conn, tuple_row).execute(statement(__package__, "lock_slot"), {"slot": slot})


@lru_cache(maxsize=65_536)
def slot(project_id: int, *, work: str = "fold") -> int:
    """The number of the advisory lock of a project's fold, of its runs or of their judging, apart from all others."""
    return int.from_bytes(sha256(f"{work} of {project_id}".encode()).digest()[:8], signed=True)
