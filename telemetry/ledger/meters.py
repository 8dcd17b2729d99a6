"""Counters of tokens: what a session's metrics say, where nothing better arrives.

Every point is kept, once, so that an export that is sent again adds nothing. What a session's counters showed in all
becomes an execution whose totals count while the session has no calls of its own. Source: formats.md §0, rules 1 and 4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row, tuple_row

from telemetry.contracts import Execution, MeterReading, Receipt, Rejection
from telemetry.ledger import sessions
from telemetry.ledger.ingest import ingest, unbelievable_time
from telemetry.ledger.retention import kept
from telemetry.statements import prepared, statement


def record_readings(
    conn: Connection[Any], *, project_id: int, readings: Sequence[MeterReading], source: str, now: datetime
) -> Receipt:
    """Keep readings, and let each session's sums stand for it while it has no calls. `quarantined` counts readings
    whose time cannot be believed, which are not kept; those of counters that began before what is kept are refused, by
    their place. Raises psycopg.Error; then nothing is kept."""
    since = kept(conn, project_id=project_id, now=now)
    usable = [
        (index, one)
        for index, one in enumerate(readings)
        if not unbelievable_time(one.started_at, now) and not unbelievable_time(one.at, now)
    ]
    believed = [one for _, one in usable if one.started_at >= since.from_at]
    expired = [
        Rejection(index, one.session_id, since.reason) for index, one in usable if one.started_at < since.from_at
    ]
    measured = sorted({one.session_id for one in believed})
    if measured:
        with conn.transaction():
            sessions.lock_alone(conn, project_id=project_id, sessions=measured)
            write_points(conn, project_id=project_id, readings=believed)
            sums = meter_sums(conn, project_id=project_id, sessions=measured)
            ingest(conn, project_id=project_id, executions=sums, source=source, now=now)
    return Receipt(accepted=len(believed), quarantined=len(readings) - len(usable), rejected=tuple(expired))


def write_points(conn: Connection[Any], *, project_id: int, readings: Sequence[MeterReading]) -> None:
    """Keep readings, each once: of one counter since one moment the largest."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in readings:
        row = _row(one)
        key = (row["series"], row["started_at"], row["at"])
        known = rows.setdefault(key, row)
        known["value"], known["last_at"] = max(known["value"], one.value), max(known["last_at"], one.at)
    arguments = {"project": project_id, "rows": msgspec.json.encode(list(rows.values())).decode()}
    prepared(conn, tuple_row).execute(statement(__package__, "write_points"), arguments)


def meter_sums(conn: Connection[Any], *, project_id: int, sessions: Sequence[str]) -> list[Execution]:
    """What the counters of sessions showed in all: an execution a session and model."""
    arguments = {"project": project_id, "sessions": sessions}
    with prepared(conn, dict_row) as cursor:
        return [_execution(**row) for row in cursor.execute(statement(__package__, "meter_sums"), arguments).fetchall()]


def _row(reading: MeterReading) -> dict[str, Any]:
    name = f"{reading.session_id}\n{reading.model}\n{reading.bucket}\n{reading.is_delta}\n{reading.series}"
    return {
        "series": UUID(bytes=hashlib.sha256(name.encode()).digest()[:16]),
        "started_at": reading.started_at,
        "at": reading.at if reading.is_delta else reading.started_at,
        "last_at": reading.at,
        "session_id": reading.session_id,
        "model": reading.model,
        "agent": reading.agent,
        "bucket": reading.bucket,
        "value": reading.value,
    }


def _execution(
    *,
    session_id: str,
    model: str,
    agent: str,
    started_at: datetime,
    ended_at: datetime,
    input: int,  # noqa: A002 (the column's name)
    input_and_cache: int,
    cache_read: int,
    cache_write: int,
    output: int,
) -> Execution:
    return Execution(
        execution_id=f"{sessions.METER}{session_id}:{model}"[:200],
        started_at=started_at,
        execution_time=(ended_at - started_at).total_seconds(),
        tool="metrics",
        model=model,
        tokens_input=input + cache_write + max(input_and_cache, cache_read),
        tokens_output=output,
        cache_read=cache_read,
        cache_write=cache_write,
        agent=agent,
        session_id=session_id,
    )
