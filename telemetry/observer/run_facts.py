"""What detectors are told of runs by name, as facts: how live checks see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from telemetry.observer.findings import Earlier, Facts, is_changed
from telemetry.statements import statement
from telemetry.usage import weighted_hundredths


class RunRow(NamedTuple):
    """What is read of a run, and of the last one of its task before it, where there is one."""

    execution_id: str
    started_at: datetime
    task_type: str
    status: str
    errors: int
    duration_ms: int | None
    is_verified: bool | None
    result_digest: str
    input_uncached: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    cache_write_unknown: int
    output: int
    cut_off_calls: int
    earlier_id: str | None
    earlier_at: datetime | None
    earlier_status: str | None
    earlier_errors: int | None
    is_provider_fault: bool | None
    earlier_digest: str | None


def runs_by_key(conn: Connection[Any], *, project_id: int, keys: Sequence[str], window: timedelta) -> list[RunRow]:
    """These runs, each with the last one of its task that began less than `window` before."""
    arguments = {"project": project_id, "keys": list(keys), "lookback": window}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "runs_by_key"), arguments).fetchall()
    return [RunRow._make(row) for row in rows]


def following_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str], window: timedelta) -> list[str]:
    """The next run of the same task after each of these, where it began less than `window` later."""
    arguments = {"project": project_id, "keys": list(keys), "lookback": window}
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "following_runs"), arguments).fetchall()


def facts_of(row: RunRow, measure: str) -> Facts:
    """What detectors are told of a run, its input counted as its project measures."""
    if measure == "gross":
        inputs = 100 * (
            row.input_uncached + row.cache_read + row.cache_write_5m + row.cache_write_1h + row.cache_write_unknown
        )
    else:
        inputs = weighted_hundredths(
            uncached=row.input_uncached,
            cache_read=row.cache_read,
            cache_write_5m=row.cache_write_5m,
            cache_write_1h=row.cache_write_1h,
            cache_write_unknown=row.cache_write_unknown,
        )
    return Facts(
        execution_id=row.execution_id,
        started_at=row.started_at,
        input_hundredths=inputs,
        output=row.output,
        is_cut_off=row.cut_off_calls > 0,
        task_type=row.task_type,
        status=row.status,
        errors=row.errors,
        duration_ms=row.duration_ms,
        is_verified=row.is_verified,
        earlier=_earlier(row),
    )


def _earlier(row: RunRow) -> Earlier | None:
    if row.earlier_id is None or row.earlier_at is None:
        return None
    is_exempt = bool(row.is_provider_fault) or is_changed(
        status=row.status,
        errors=row.errors,
        digest=row.result_digest,
        earlier_status=row.earlier_status or "",
        earlier_errors=row.earlier_errors or 0,
        earlier_digest=row.earlier_digest or "",
    )
    return Earlier(execution_id=row.earlier_id, started_at=row.earlier_at, is_exempt=is_exempt)
