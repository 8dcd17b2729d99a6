"""Executions and sessions: the rows that calls belong to.

An execution's usage is the sum over its calls. Totals that were sent with it make one call marked
`execution_total`, which is removed for good as soon as the execution has a call of its own; what was sent stays on
the execution's row, so that the difference can be shown. The execution's row lock decides between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row
from psycopg.types.json import Jsonb

from telemetry.contracts import Call, Execution
from telemetry.ledger.identity import execution_key, key_id
from telemetry.statements import statement

TOTAL_KEY = "execution-total:"


def total_call(execution: Execution) -> Call | None:
    """The totals sent with an execution as one call, or None where there are none."""
    if not execution.tokens_input and not execution.tokens_output:
        return None
    key = execution_key(execution)
    return Call(
        id=TOTAL_KEY + key,
        started_at=execution.started_at,
        model=execution.model or "unknown",
        input_uncached=execution.tokens_input or 0,
        output=execution.tokens_output or 0,
        duration_ms=_milliseconds(execution.execution_time),
        agent=execution.agent or execution.tool,
        session_id=execution.session_id,
        session_type=execution.session_type,
        execution_id=key,
        task_type=execution.task_type,
        objective=execution.objective,
        error_type="error" if execution.errors else "",
        quality=("execution_total",),
    )


def write_executions(
    conn: Connection[Any], *, project_id: int, executions: Sequence[Execution], source: str, now: datetime
) -> tuple[int, set[str]]:
    """Insert or complete executions, locking their rows in order of their key. Returns how many items were new or
    changed something, and the keys of those executions that have calls of their own."""
    keyed = sorted(((execution_key(item), item) for item in executions), key=itemgetter(0))
    rows = [_row(item, key, project_id, source, now) for key, item in keyed]
    changed = 0
    with conn.cursor(row_factory=scalar_row) as cursor:
        cursor.executemany(statement(__package__, "write_executions"), rows, returning=True)
        for _ in cursor.results():
            changed += cursor.rowcount
    return changed, with_calls(conn, project_id=project_id, keys=[key for key, _ in keyed])


def mark_called(
    conn: Connection[Any], *, project_id: int, calls: Iterable[Call], executions: Iterable[Execution] = ()
) -> None:
    """Note that executions have calls of their own, and stop counting the totals that were sent with them.
    `executions` are those that the same transaction writes afterwards: all rows are locked here, in one order."""
    first: dict[str, Call | Execution] = {}
    for call in calls:
        known = first.get(call.execution_id)
        if call.execution_id and (known is None or call.started_at < known.started_at):
            first[call.execution_id] = call
    if not first:
        return
    called = set(first)
    written = {execution_key(execution): execution for execution in executions}
    first = {**written, **first}
    keys = sorted(first)
    arguments = {
        "project": project_id,
        "keys": keys,
        "moments": [first[key].started_at for key in keys],
        "agents": [first[key].agent for key in keys],
        "sessions": [first[key].session_id for key in keys],
        "types": [first[key].task_type for key in keys],
        "called": [key in called for key in keys],
        "written": [key in written for key in keys],
    }
    with conn.cursor(row_factory=scalar_row) as cursor:
        newly = cursor.execute(statement(__package__, "mark_called"), arguments).fetchall()
    if newly:
        drop_totals(conn, project_id=project_id, keys=newly)


def drop_totals(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> None:
    """Remove the calls that stand for the totals of executions, where there are any. Their rows must be locked."""
    arguments = {"project": project_id, "ids": [UUID(bytes=key_id(TOTAL_KEY + key)) for key in keys]}
    with conn.cursor(row_factory=tuple_row) as cursor:
        totals = cursor.execute(statement(__package__, "drop_totals"), arguments).fetchall()
    for call_id, started_at in totals:
        remove_call(conn, project_id=project_id, started_at=started_at, call_id=call_id)


def remove_call(conn: Connection[Any], *, project_id: int, started_at: datetime, call_id: UUID) -> None:
    """Delete one call by its full key."""
    arguments = {"project": project_id, "started_at": started_at, "id": call_id}
    conn.execute(statement(__package__, "remove_call"), arguments)


def touch_sessions(conn: Connection[Any], *, project_id: int, calls: Iterable[Call]) -> None:
    """Make or extend the sessions of calls, in order."""
    spans: dict[str, list[Any]] = {}
    for call in calls:
        if not call.session_id:
            continue
        span = spans.get(call.session_id)
        if span is None:
            spans[call.session_id] = [call.started_at, call.started_at, call]
        elif call.started_at > span[1]:
            span[1] = call.started_at
        elif call.started_at < span[0]:
            span[0] = call.started_at
    if not spans:
        return
    keys = sorted(spans)
    arguments = {
        "project": project_id,
        "keys": keys,
        "agents": [spans[key][2].agent for key in keys],
        "hosts": [spans[key][2].host for key in keys],
        "types": [spans[key][2].session_type for key in keys],
        "first": [spans[key][0] for key in keys],
        "last": [spans[key][1] for key in keys],
    }
    conn.execute(statement(__package__, "touch_sessions"), arguments)


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


def with_calls(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> set[str]:
    """Which of these executions have calls of their own."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "keys": list(keys)}
        return set(cursor.execute(statement(__package__, "with_calls"), arguments).fetchall())


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
