"""Which database answers what is only read: where DATABASE_REPLICA_URL names a replica that is near, that one does.

How near it is, is measured by the primary's log and this process's clock alone: the machines' clocks need not agree,
and a primary at rest is not taken for a replica that hangs.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DatabaseError, connections
from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.database import PRIMARY, connection
from telemetry.statements import statement

REPLICA = "replica"
FAR_S = 10.0  # what pages show is no older
PATIENCE_S = 0.1  # for the last commits to arrive; mostly they take a few milliseconds
AWAY_S = 10.0  # a replica that does not answer is not asked again for so long
_STEP_S = 0.005
_log = logging.getLogger(__name__)


class NoReplica(RuntimeError):
    """The database of DATABASE_REPLICA_URL is no replica of this primary; the text is for the log."""


@dataclass(slots=True)
class _Seen:
    """What this process knows: until when the replica is left alone, what is wrong with it ("": nothing), and where the
    primary's log ended when, a second apart."""

    away_until: float = 0.0
    trouble: str = ""
    ends: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=120))


_seen = _Seen()


def nearest(*, exact: bool = False) -> str:
    """The alias of the database to read from: the replica where it is near, and where `exact` is asked for only if it
    holds all that was committed until now. Raises DatabaseError where the primary is away."""
    if REPLICA not in connections.settings or time.monotonic() < _seen.away_until:
        return PRIMARY
    system, end = primary_position(connection(PRIMARY))
    try:
        behind = behind_s(system=system, end=end)
    except (NoReplica, psycopg.Error, DatabaseError) as error:
        leave_alone(str(error).strip().partition("\n")[0] or type(error).__name__)
        return PRIMARY
    _note("" if behind <= FAR_S else "it is too far behind")
    return REPLICA if behind == 0 or (behind <= FAR_S and not exact) else PRIMARY


def trouble() -> str | None:
    """Why pages are not read from the replica; "" where they are, None where none is set. For a person who asks: what
    was found before does not count. Raises DatabaseError where the primary is away."""
    if REPLICA not in connections.settings:
        return None
    _seen.away_until = 0.0
    _seen.ends.clear()
    nearest()
    return _seen.trouble


def leave_alone(trouble: str) -> None:
    """Read from the primary for AWAY_S."""
    _seen.away_until = time.monotonic() + AWAY_S
    _note(trouble)


def behind_s(*, system: int, end: int) -> float:
    """How many seconds ago the primary's log ended where the replica is now: 0 where that is `end`, which is waited for
    PATIENCE_S; infinite where this process has not looked so long ago. Raises NoReplica, DatabaseError."""
    conn = connection(REPLICA)
    began = time.monotonic()
    position = _followed(conn, system)
    while position < end and time.monotonic() - began < PATIENCE_S:
        time.sleep(_STEP_S)
        position = _followed(conn, system)
    ends = _seen.ends
    if not ends or began - ends[-1][0] >= 1:
        ends.append((began, end))
    if position >= end:
        return 0.0
    return time.monotonic() - max((moment for moment, then in tuple(ends) if then <= position), default=float("-inf"))


def primary_position(conn: Connection[Any]) -> tuple[int, int]:
    """The identifier of a cluster, and up to which byte of its log all is committed."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        system, end = cursor.execute(statement(__package__, "primary_position")).fetchone() or (0, 0)
    return int(system), int(end)


def replica_position(conn: Connection[Any]) -> tuple[int, int] | None:
    """The same of a replica, and up to which byte it has followed; None where it is none."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "replica_position")).fetchone()


def _followed(conn: Connection[Any], system: int) -> int:
    """Raises NoReplica."""
    found = replica_position(conn)
    if found is None:
        raise NoReplica("it follows nobody: it is no replica, or has become a primary itself")
    if found[0] != system:
        raise NoReplica("it is a replica of another server")
    return found[1]


def _note(trouble: str) -> None:
    """Write a trouble to the log when it begins, and when it is over."""
    if trouble and not _seen.trouble:
        _log.warning("pages are read from the primary, for the replica cannot be used: %s", trouble)
    if not trouble and _seen.trouble:
        _log.warning("pages are read from the replica again")
    _seen.trouble = trouble
