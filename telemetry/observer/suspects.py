"""What detectors are told of runs: the ones that may be flagged of a span of time, or some by name, as facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from psycopg import Connection, sql
from psycopg.rows import scalar_row, tuple_row

from telemetry.observer.findings import DONE, Bounds, Earlier, Facts, is_changed
from telemetry.observer.rules import Rules, bounds_of, lookback
from telemetry.statements import statement
from telemetry.usage import weighted_hundredths

HUGE = 10**12  # tokens of a run beyond all reason: the database does not judge it, Python's integers do
_STEEP = 10**6  # a ratio in hundredths up to which the database compares
_WEIGHTS = {
    "weighted": {"read": 10, "written": 125, "written_1h": 200},
    "gross": {"read": 100, "written": 100, "written_1h": 100},
}
Span = tuple[datetime, datetime]  # the end is outside


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
    earlier_id: str | None
    earlier_at: datetime | None
    earlier_status: str | None
    earlier_errors: int | None
    is_provider_fault: bool | None
    earlier_digest: str | None


def candidates(
    conn: Connection[Any], rules: Rules, *, project_id: int, span: Span, most: int
) -> Iterator[list[RunRow]]:
    """Every run of a span that the detectors flag, and a few more, in pieces of `most` at most. In a transaction, which
    must not end before the last piece."""
    bounds = bounds_of(rules)
    query = sql.SQL(statement(__package__, "candidates")).format(
        suspected=_any(bounds), suspected_alone=_any([one for one in bounds if one.within_ms is None])
    )
    arguments = {
        "project": project_id,
        "start": span[0],
        "end": span[1],
        "lookback": lookback(rules),
        "huge": HUGE,
        "done": sorted(DONE),
        **_WEIGHTS[rules.measure],
    }
    conn.execute("SET LOCAL cursor_tuple_fraction = 1")  # all will be read
    with conn.cursor(f"suspects_{uuid4().hex}", row_factory=tuple_row) as cursor:
        cursor.execute(query, arguments)
        while rows := cursor.fetchmany(most):
            yield [RunRow._make(row) for row in rows]


def _any(bounds: Sequence[Bounds]) -> sql.Composable:
    return sql.SQL(" OR ").join(map(suspicion, bounds)) if bounds else sql.SQL("false")


def suspicion(bounds: Bounds) -> sql.Composed:
    """The condition of `bounds` on a run of `candidates`; true of more where a number is beyond all reason."""
    numbers = {
        "input_from": bounds.input_from,
        "total_from": bounds.total_from,
        "ratio_over": None if bounds.ratio_over is None else min(bounds.ratio_over, _STEEP),
        "below_ms": bounds.below_ms,
        "errors_from": bounds.errors_from,
        "within_ms": bounds.within_ms,
    }
    literals = {name: sql.Literal(number) for name, number in numbers.items()}
    return sql.SQL(statement(__package__, "suspicion")).format(**literals)


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


def end_of_slice(conn: Connection[Any], *, project_id: int, span: Span, runs: int) -> datetime:
    """Where a slice of about so many runs ends that begins with a span; the span's end where it holds no more."""
    start, end = span
    arguments = {"project": project_id, "start": start, "end": end, "runs": runs}
    with conn.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(statement(__package__, "end_of_slice"), arguments).fetchone()
    return end if found is None else max(found, start + timedelta(microseconds=1))


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
