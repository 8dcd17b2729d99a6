"""Expired rows that no partition takes with it, deleted in small transactions off the hot path.

A project that keeps less than the instance has its calls deleted here. Identities go with their calls: by their id, for
no index of theirs knows the time. Executions, counters and records set apart go by their own times. Sessions stay, for
the sums that outlive calls name them. Nothing here marks a bucket to be counted anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from telemetry.ledger import partitions
from telemetry.statements import statement

PAGE = 5_000
_SESSIONS_AT_ONCE = 200


def purge_project_calls(conn: Connection[Any], *, project_id: int, before: datetime, until: float) -> int:
    """Delete a project's calls before a moment, with their identities, partition by partition, oldest first. Stops at
    `until` (monotonic). Returns how many were deleted."""
    spans = sorted(partitions.span_of(name) for name in partitions.partition_names(conn))
    count = 0
    for start, end in spans:
        if start < before and time.monotonic() < until:
            count += _purge_span(conn, project_id, start, min(end, before), until)
    return count


def _purge_span(conn: Connection[Any], project_id: int, start: datetime, end: datetime, until: float) -> int:
    count = 0
    while page := expired_calls(conn, project_id=project_id, start=start, end=end):
        ids = [call_id for _, call_id in page]
        with conn.transaction():
            purge_identities(conn, project_id=project_id, ids=ids)
            delete_calls(conn, project_id=project_id, start=page[0][0], last=page[-1][0], ids=ids)
        count += len(page)
        start = page[-1][0]
        if len(page) < PAGE or time.monotonic() > until:
            break
    return count


def expired_calls(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime
) -> Sequence[tuple[datetime, UUID]]:
    """(moment, id) of a project's first PAGE calls in [start, end)."""
    arguments = {"project": project_id, "start": start, "end": end, "limit": PAGE}
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "expired_calls"), arguments).fetchall()


def delete_calls(
    conn: Connection[Any], *, project_id: int, start: datetime, last: datetime, ids: Sequence[UUID]
) -> None:
    """Delete calls, all of which lie in [start, last]."""
    arguments = {"project": project_id, "start": start, "last": last, "ids": list(ids)}
    conn.execute(statement(__package__, "delete_calls"), arguments)


def purge_identities(conn: Connection[Any], *, project_id: int, ids: Sequence[UUID]) -> None:
    """Forget the identities of calls and all their other names."""
    arguments = {"project": project_id, "ids": sorted(ids)}
    purge_names(conn, arguments)
    conn.execute(statement(__package__, "purge_identities"), arguments)


def purge_names(conn: Connection[Any], arguments: dict[str, Any]) -> None:
    """Forget the other names of calls."""
    conn.execute(statement(__package__, "purge_names"), arguments)


def purge_executions(conn: Connection[Any], *, project_id: int, before: datetime) -> list[str]:
    """Delete a page of the executions that began before a moment. Returns their ids; none: none is left."""
    arguments = {"project": project_id, "before": before, "limit": PAGE}
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "purge_executions"), arguments).fetchall()


def purge_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> None:
    """Delete the runs of executions."""
    conn.execute(statement(__package__, "purge_runs"), {"project": project_id, "keys": keys})


def purge_anomalies(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> set[datetime]:
    """Delete the anomalies of executions. Returns the moments of the runs that had any."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return set(cursor.execute(statement(__package__, "purge_anomalies"), {"project": project_id, "keys": keys}))


def purge_quarantined(conn: Connection[Any], *, project_id: int, before: datetime) -> int:
    """Delete a page of the records set apart that came before a moment. Returns how many; 0: none is left."""
    arguments = {"project": project_id, "before": before, "limit": PAGE}
    return conn.execute(statement(__package__, "purge_quarantined"), arguments).rowcount


def purge_ended_meters(conn: Connection[Any], *, project_id: int, before: datetime, until: float) -> int:
    """Delete what counters showed in sessions that ended before a moment: a session's points count together, so they
    go together. Returns how many."""
    sessions, count = ended_meters(conn, project_id=project_id, before=before), 0
    for place in range(0, len(sessions), _SESSIONS_AT_ONCE):
        if time.monotonic() < until:
            some = sessions[place : place + _SESSIONS_AT_ONCE]
            count += purge_meters(conn, project_id=project_id, sessions=some)
    return count


def ended_meters(conn: Connection[Any], *, project_id: int, before: datetime) -> list[str]:
    """The sessions whose counters last showed something before a moment."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "before": before}
        return cursor.execute(statement(__package__, "ended_meters"), arguments).fetchall()


def purge_meters(conn: Connection[Any], *, project_id: int, sessions: Sequence[str]) -> int:
    """Delete what the counters of sessions showed. Returns how many points."""
    arguments = {"project": project_id, "sessions": list(sessions)}
    return conn.execute(statement(__package__, "purge_meters"), arguments).rowcount
