"""Executions: the runs of tasks that calls belong to.

An execution's usage is the sum over its calls. Totals that were sent with it make one call marked
`execution_total`, which is removed for good as soon as the execution has a call of its own: one that names it, or one
of its session while it ran. What was sent stays on the execution's row, so that the difference can be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row
from psycopg.types.json import Jsonb

from telemetry.contracts import Call, Execution, Quality
from telemetry.ledger import sessions
from telemetry.ledger.identity import execution_key, key_id
from telemetry.statements import prepared, statement

TOTAL_KEY = "execution-total:"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch's executions: how many were new or changed, which of them have calls of their own, and
    the moments of executions and their totals that are not what they were."""

    changed: int
    with_calls: set[str]
    moments: list[datetime]


def total_call(execution: Execution) -> Call | None:
    """The totals sent with an execution as one call, or None where there are none."""
    if not execution.tokens_input and not execution.tokens_output:
        return None
    key = execution_key(execution)
    inputs, read, write = execution.tokens_input or 0, execution.cache_read or 0, execution.cache_write or 0
    is_exclusive = read + write > inputs  # the parts exceed the whole: this sender leaves the cache out of the input
    quality: tuple[Quality, ...] = ("execution_total", "ttl_unknown") if write else ("execution_total",)
    return Call(
        id=TOTAL_KEY + key,
        started_at=execution.started_at,
        model=execution.model or "unknown",
        input_uncached=inputs if is_exclusive else inputs - read - write,
        cache_read=read,
        cache_write_unknown=write,
        output=execution.tokens_output or 0,
        duration_ms=_milliseconds(execution.execution_time),
        agent=execution.agent or execution.tool,
        session_id=execution.session_id,
        session_type=execution.session_type,
        execution_id=key,
        task_type=execution.task_type,
        objective=execution.objective,
        error_type="error" if execution.errors else "",
        quality=(*quality, "exclusive_input") if is_exclusive else quality,
    )


def write(
    conn: Connection[Any],
    *,
    project_id: int,
    calls: Sequence[Call],
    executions: Sequence[Execution],
    stored: Iterable[tuple[str, datetime]] = (),
    source: str,
    kept_from: datetime,
    now: datetime,
) -> Written:
    """Insert or complete executions, and mark those that have calls of their own, by id or by their session. Their
    sessions must be locked; all rows of executions are locked here, in one order. Totals before `kept_from` stay: they
    are in final sums. `stored` are the executions that copies of known calls name, with when those calls began."""
    written = {execution_key(execution): execution for execution in executions}
    spans = _spans_of(calls, stored)
    has_calls = {
        *spans,
        *sessions.waiting(conn, project_id=project_id, calls=calls, executions=executions),
        *sessions.called(conn, project_id=project_id, executions=written, calls=calls),
    }
    rows = [
        _mark(key, spans.get(key), written.get(key), now, is_called=key in has_calls)
        for key in sorted(has_calls | written.keys() if has_calls else ())
    ]
    called = mark_called(conn, project_id=project_id, rows=rows)
    moments = [began_at for _, _, began_at in called]
    if newly := [key for key, is_written, _ in called if is_written]:
        moments += drop_totals(conn, project_id=project_id, keys=newly, kept_from=kept_from)
    changed = write_executions(conn, project_id=project_id, executions=executions, source=source, now=now)
    moments += [moment for moved in changed for moment in moved if moment]
    return Written(len(changed), with_calls(conn, project_id=project_id, keys=list(written)), moments)


def write_executions(
    conn: Connection[Any], *, project_id: int, executions: Sequence[Execution], source: str, now: datetime
) -> list[tuple[datetime, datetime | None]]:
    """Insert or complete executions, in order of their key. Of each that was new or changed something, when it begins,
    and when it did before."""
    if not executions:
        return []
    keyed = sorted(((execution_key(item), item) for item in executions), key=itemgetter(0))
    rows = [_row(item, key, project_id, source, now) for key, item in keyed]
    with prepared(conn, tuple_row) as cursor:
        cursor.executemany(statement(__package__, "write_executions"), rows, returning=True)
        return [changed for one in cursor.results() for changed in one.fetchall()]


def mark_called(
    conn: Connection[Any], *, project_id: int, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[str, bool, datetime]]:
    """Note that executions have calls of their own, and when these began; those that are marked for the first time, or
    of which that is news, with whether their sent totals may count until now, and when they began."""
    if not rows:
        return []
    arguments = {"project": project_id, "rows": msgspec.json.encode(rows).decode(), "slack": sessions.SLACK}
    with prepared(conn, tuple_row) as cursor:
        return cursor.execute(statement(__package__, "mark_called"), arguments).fetchall()


def drop_totals(conn: Connection[Any], *, project_id: int, keys: Sequence[str], kept_from: datetime) -> list[datetime]:
    """Remove the calls that stand for the totals of executions, where there are any and they have not expired, and say
    when they were. The rows of the executions must be locked."""
    ids = [UUID(bytes=key_id(TOTAL_KEY + key)) for key in keys]
    arguments = {"project": project_id, "ids": ids, "kept_from": kept_from}
    with prepared(conn, tuple_row) as cursor:
        totals = cursor.execute(statement(__package__, "drop_totals"), arguments).fetchall()
    for call_id, started_at in totals:
        remove_call(conn, project_id=project_id, started_at=started_at, call_id=call_id)
    return [started_at for _, started_at in totals]


def remove_call(conn: Connection[Any], *, project_id: int, started_at: datetime, call_id: UUID) -> None:
    """Delete one call by its full key."""
    arguments = {"project": project_id, "started_at": started_at, "id": call_id}
    prepared(conn, tuple_row).execute(statement(__package__, "remove_call"), arguments)


def _row(execution: Execution, key: str, project_id: int, source: str, now: datetime) -> dict[str, Any]:
    return {
        "project": project_id,
        "key": key,
        "started_at": execution.started_at,
        "task_id": execution.task_id,
        "tool": execution.tool,
        "action": execution.action,
        "model": execution.model,
        "duration_ms": _milliseconds(execution.execution_time),
        "sent_input": execution.tokens_input,
        "sent_output": execution.tokens_output,
        "sent_cache_read": execution.cache_read,
        "sent_cache_write": execution.cache_write,
        "status": execution.status,
        "errors": Jsonb(list(execution.errors)),
        "task_type": execution.task_type,
        "agent": execution.agent,
        "session_id": execution.session_id,
        "session_type": execution.session_type,
        "skills": Jsonb(list(execution.skills)),
        "objective": execution.objective,
        "source": source,
        "attributes": Jsonb(execution.attributes) if execution.attributes else None,
        "now": now,
    }


@dataclass(slots=True)
class _Span:
    """The first of the calls that name an execution, and between which moments all of them began."""

    call: Call
    from_at: datetime
    to_at: datetime


def _spans_of(calls: Iterable[Call], stored: Iterable[tuple[str, datetime]]) -> dict[str, _Span]:
    """By execution, when the calls that name it began: by themselves, and as they are stored."""
    spans: dict[str, _Span] = {}
    for call in calls:
        key, at = call.execution_id, call.started_at
        if key:
            span = spans.get(key)
            if span is None:
                spans[key] = _Span(call, at, at)
            elif at < span.from_at:
                span.call, span.from_at = call, at
            elif at > span.to_at:
                span.to_at = at
    for key, at in stored:
        if key in spans:
            spans[key].from_at, spans[key].to_at = min(spans[key].from_at, at), max(spans[key].to_at, at)
    return spans


def _mark(key: str, span: _Span | None, written: Execution | None, now: datetime, *, is_called: bool) -> dict[str, Any]:
    """A row for mark_called. A stub is made of the first call, else of the execution."""
    known: Call | Execution | None = span.call if span else written
    return {
        "key": key,
        "moment": known.started_at if known else now,
        "agent": known.agent if known else "",
        "session": known.session_id if known else "",
        "type": known.task_type if known else "",
        "is_called": is_called,
        "is_written": written is not None,
        "called_from": span.from_at if span else None,
        "called_to": span.to_at if span else None,
    }


def with_calls(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> set[str]:
    """Which of these executions have calls of their own."""
    if not keys:
        return set()
    with prepared(conn, scalar_row) as cursor:
        arguments = {"project": project_id, "keys": list(keys)}
        return set(cursor.execute(statement(__package__, "with_calls"), arguments).fetchall())


def endings(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> dict[str, str]:
    """Of those of these executions that said how they stand, the status as it was sent."""
    with prepared(conn, tuple_row) as cursor:
        arguments = {"project": project_id, "keys": list(keys)}
        return dict(cursor.execute(statement(__package__, "endings"), arguments).fetchall())


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
