"""Sessions, and what they decide: whether the totals sent with an execution are the calls of its session once more.

An execution that names its session and how long it took had the calls of that session while it ran. Calls and totals
may be written at the same moment; so calls share a lock of their session, and totals have it alone (`lock`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any
from zlib import crc32

import msgspec
from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from telemetry.contracts import Call, Execution
from telemetry.ledger.arrays import int8s, texts
from telemetry.ledger.cursors import sending_arrays
from telemetry.statements import prepared, statement
from telemetry.usage import quality_bits

_SLOTS = 16  # a project's sessions share so many locks, for a batch may bring ten thousand of them
_TOTAL = quality_bits(["execution_total"])
SLACK = timedelta(minutes=1)  # a session's row is written again when its calls lie farther than this outside of it
METER = "meter:"  # begins the key of an execution that stands for a whole session, as its counters measured it
_WHOLE_SESSION = timedelta(days=30)


@dataclass(slots=True)
class Seen:
    """What a batch shows of a session."""

    first: datetime
    last: datetime
    call: Call


Span = tuple[str, datetime, datetime]  # a session, and when an execution in it began and ended


def brings_totals(execution: Execution) -> bool:
    """Whether an execution says how many tokens its session's calls had in all."""
    return bool(execution.session_id and (execution.tokens_input or execution.tokens_output))


def span_of(execution: Execution) -> Span | None:
    """When an execution ran in which session; None where it does not say, or brings no totals."""
    if not brings_totals(execution) or execution.execution_time is None:
        return None
    ended_at = execution.started_at + timedelta(seconds=execution.execution_time)
    return execution.session_id, *_widened(execution.execution_id, execution.started_at, ended_at)


def _widened(key: str, started_at: datetime, ended_at: datetime) -> tuple[datetime, datetime]:
    """A meter gives way to any call of its session, for it starts when the first of them has ended."""
    if not key.startswith(METER):
        return started_at, ended_at
    return started_at - _WHOLE_SESSION, ended_at + _WHOLE_SESSION


def spans_of(calls: Iterable[Call]) -> dict[str, Seen]:
    """By session, when the first and the last of `calls` began, and the first of them that was met."""
    spans: dict[str, Seen] = {}
    for call in calls:
        session = call.session_id
        if session:
            at = call.started_at
            span = spans.get(session)
            if span is None:
                spans[session] = Seen(at, at, call)
            elif at > span.last:
                span.last = at
            elif at < span.first:
                span.first = at
    return spans


def lock(conn: Connection[Any], *, project_id: int, sessions: Iterable[str], executions: Iterable[Execution]) -> None:
    """Take the locks of the sessions of a batch's calls and executions, before all others."""
    alone = {execution.session_id for execution in executions if brings_totals(execution)}
    slots = {_slot(project_id, _place(session)): True for session in sessions}
    slots |= {_slot(project_id, _place(session)): False for session in alone}
    if slots:
        lock_sessions(conn, sorted(slots.items()))


def lock_alone(conn: Connection[Any], *, project_id: int, sessions: Iterable[str]) -> None:
    """Have sessions for oneself until the transaction ends."""
    slots = sorted({_slot(project_id, _place(session)) for session in sessions})
    lock_sessions(conn, [(slot, False) for slot in slots])


def lock_sessions(conn: Connection[Any], slots: Sequence[tuple[int, bool]]) -> None:
    """Take advisory locks in their order, shared or alone, until the transaction ends."""
    arguments = {"slots": int8s([slot for slot, _ in slots]), "shared": int8s([is_shared for _, is_shared in slots])}
    sending_arrays(conn).execute(statement(__package__, "lock_sessions"), arguments)


def waiting(
    conn: Connection[Any], *, project_id: int, calls: Sequence[Call], executions: Iterable[Execution]
) -> set[str]:
    """The executions whose sent totals still count and give way now: those that ran in the session of one of `calls`
    at its time, and meters of a session in which one of `executions` brings totals of its own."""
    sessions = {call.session_id for call in calls} - {""}
    told = {one.session_id for one in executions if brings_totals(one) and not one.execution_id.startswith(METER)}
    if not sessions and not told:
        return set()
    rows = waiting_executions(conn, project_id=project_id, sessions=[*sessions, *told])
    return {
        key
        for key, session, started_at, ended_at in rows
        if _is_within(
            (call.started_at for call in calls if call.session_id == session), *_widened(key, started_at, ended_at)
        )
        or (key.startswith(METER) and session in told)
    }


def _is_within(moments: Iterable[datetime], started_at: datetime, ended_at: datetime) -> bool:
    return any(started_at <= moment <= ended_at for moment in moments)


def waiting_executions(
    conn: Connection[Any], *, project_id: int, sessions: Sequence[str]
) -> list[tuple[str, str, datetime, datetime]]:
    """(execution, session, started_at, ended_at) of the executions of these sessions whose sent totals still count."""
    arguments = {"project": project_id, "sessions": texts(sessions)}
    with sending_arrays(conn) as cursor:
        return cursor.execute(statement(__package__, "waiting_executions"), arguments).fetchall()


def called(
    conn: Connection[Any], *, project_id: int, executions: Mapping[str, Execution], calls: Sequence[Call]
) -> set[str]:
    """The keys of those executions that had a call in their session while they ran: a stored one, or one of `calls`,
    which the same transaction writes; and of meters whose session has totals of an execution."""
    spans = {key: span for key, execution in executions.items() if (span := span_of(execution))}
    if not spans:
        return set()
    beside = {
        key
        for key, (session, began, ended) in spans.items()
        if any(call.session_id == session and began <= call.started_at <= ended for call in calls)
    }
    meters = {key: span[0] for key, span in spans.items() if key.startswith(METER)}
    told = told_sessions(conn, project_id=project_id, sessions=list(meters.values())) if meters else set()
    measured = {key for key, session in meters.items() if session in told}
    return beside | measured | called_in_session(conn, project_id=project_id, spans=spans)


def told_sessions(conn: Connection[Any], *, project_id: int, sessions: Sequence[str]) -> set[str]:
    """Those of these sessions in which an execution brought totals of its own."""
    arguments = {"project": project_id, "sessions": sessions}
    with prepared(conn, scalar_row) as cursor:
        return set(cursor.execute(statement(__package__, "told_sessions"), arguments).fetchall())


def called_in_session(conn: Connection[Any], *, project_id: int, spans: Mapping[str, Span]) -> set[str]:
    """Which of these executions had a stored call in their session while they ran."""
    sessions, starts, ends = zip(*spans.values(), strict=True)
    arguments = {
        "project": project_id,
        "keys": list(spans),
        "sessions": list(sessions),
        "starts": list(starts),
        "ends": list(ends),
        "first": min(starts),
        "last": max(ends),
        "slack": SLACK,
        "total": _TOTAL,
    }
    with prepared(conn, scalar_row) as cursor:
        return set(cursor.execute(statement(__package__, "called_in_session"), arguments).fetchall())


def touch(conn: Connection[Any], *, project_id: int, spans: Mapping[str, Seen]) -> None:
    """Make or extend the sessions of calls, in order."""
    if spans:
        touch_sessions(conn, project_id=project_id, sessions=[_row(key, seen) for key, seen in spans.items()])


def touch_sessions(conn: Connection[Any], *, project_id: int, sessions: Sequence[Mapping[str, Any]]) -> None:
    """Make or extend sessions."""
    rows = sorted(sessions, key=itemgetter("session_id"))
    arguments = {"project": project_id, "rows": msgspec.json.encode(rows).decode(), "slack": SLACK}
    prepared(conn, tuple_row).execute(statement(__package__, "touch_sessions"), arguments)


def _row(key: str, seen: Seen) -> dict[str, Any]:
    call = seen.call
    return {
        "session_id": key,
        "agent": call.agent,
        "host": call.host,
        "session_type": call.session_type,
        "started_at": seen.first,
        "last_call_at": seen.last,
    }


def _place(session: str) -> int:
    return crc32(session.encode()) % _SLOTS


@lru_cache(maxsize=65_536)
def _slot(project_id: int, place: int) -> int:
    """The number of an advisory lock: apart from those of other projects, and from the small ones used elsewhere."""
    return int.from_bytes(sha256(f"sessions of {project_id}: {place}".encode()).digest()[:8], signed=True)
