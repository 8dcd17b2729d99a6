"""FOLD: executions whose sender said something else than their calls add up to, found anew where calls changed.

An execution has the calls that name it, from an hour before it began to a week after; where none does, those of its
session while it ran. Comparing needs to read the calls of that time, so it is done when one of them has changed, and
what differs is kept for pages to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.series.buckets import Span
from telemetry.statements import statement
from telemetry.usage import quality_bits

CLOCKS_DIFFER = timedelta(hours=1)  # a call may seem to begin before its execution
LONGEST_EXECUTION = timedelta(days=7)  # calls that come later than that are not looked for
COPIES_DIFFER = timedelta(minutes=10)  # a call may be stored at the time of another copy than the one that names a run


def compare(
    conn: Connection[Any], *, project_id: int, spans: Sequence[Span], calls_from_at: datetime | None = None
) -> None:
    """Compare anew each execution that has calls to compare in those spans of time, or began in them. One whose calls
    may have expired, before `calls_from_at`, stays as it is. To be called under the project's lock of folding."""
    if not spans:
        return
    touched = executions_between(conn, project_id=project_id, spans=spans)
    expired = {key for key, start, _ in touched if calls_from_at is not None and start < calls_from_at}
    keys = sorted({key for key, _, _ in touched} - expired)
    if keys:
        clear_differences(conn, project_id=project_id, keys=keys)
        near = merged((start, end) for key, start, end in touched if key not in expired)
        write_differences(conn, project_id=project_id, keys=keys, spans=near)


def executions_between(
    conn: Connection[Any], *, project_id: int, spans: Sequence[Span]
) -> list[tuple[str, datetime, datetime]]:
    """The executions to compare that began or have calls in those spans, each once or twice: with the first and the
    last instant of calls that name it, and of calls of its session."""
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    arguments = {
        "project": project_id,
        "starts": starts,
        "ends": ends,
        "first": min(starts),
        "start": min(starts) - LONGEST_EXECUTION,
        "end": max(ends) + CLOCKS_DIFFER,
        "before": CLOCKS_DIFFER,
        "after": LONGEST_EXECUTION,
        "slack": COPIES_DIFFER,
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "executions_between"), arguments).fetchall()


def clear_differences(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> None:
    """Forget what differed."""
    conn.execute(statement(__package__, "clear_differences"), {"project": project_id, "keys": keys})


def write_differences(conn: Connection[Any], *, project_id: int, keys: Sequence[str], spans: Sequence[Span]) -> None:
    """Keep what differs of these executions, whose calls lie in those spans (both ends inside)."""
    arguments = {
        "project": project_id,
        "keys": keys,
        "starts": [start for start, _ in spans],
        "ends": [end for _, end in spans],
        "start": spans[0][0],
        "end": spans[-1][1],
        "before": CLOCKS_DIFFER,
        "after": LONGEST_EXECUTION,
        "total": quality_bits(("execution_total",)),
    }
    conn.execute(statement(__package__, "write_differences"), arguments)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans without overlap, oldest first, so that each call is read once."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
