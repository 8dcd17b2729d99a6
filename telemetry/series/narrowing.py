"""Which part of a range can hold calls at all that filters by session or execution let through.

What no rollup keeps is asked of calls. Where a person looks at one session or one execution, the tables that know when
it was spare the reading of all others' calls. A part is only ever left out where nothing of it could count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.series.plan import Piece
from telemetry.statements import statement

COPIES_DIFFER = timedelta(days=1)  # a call may be stored at the time of another copy than the one that names a run
_INSTANT = timedelta(microseconds=1)

Span = tuple[datetime, datetime]  # both inside


def narrowed(
    conn: Connection[Any], piece: Piece, *, project_id: int, filters: Mapping[str, Sequence[str]] | None
) -> Piece:
    """The part of a piece of calls that can hold what filters let through; an empty one where nothing can."""
    filters = filters or {}
    spans: list[Span | None] = []
    if "" not in filters.get("session", [""]):
        spans.append(span_of_sessions(conn, project_id=project_id, sessions=filters["session"]))
    if "" not in filters.get("execution", [""]):
        spans.append(span_of_executions(conn, project_id=project_id, executions=filters["execution"]) or _all(piece))
    for span in spans:
        start, end = span or (piece.start, piece.start - _INSTANT)
        start = max(piece.start, start)
        piece = replace(piece, start=start, end=max(start, min(piece.end, end + _INSTANT)))
    return piece


def span_of_sessions(conn: Connection[Any], *, project_id: int, sessions: Sequence[str]) -> Span | None:
    """When the first and the last call of sessions were, as far as they are added up; None where there is none."""
    arguments = {"project": project_id, "sessions": list(sessions)}
    with conn.cursor(row_factory=tuple_row) as cursor:
        first, last = cursor.execute(statement(__package__, "span_of_sessions"), arguments).fetchone() or (None, None)
    return None if first is None or last is None else (first, last)


def span_of_executions(conn: Connection[Any], *, project_id: int, executions: Sequence[str]) -> Span | None:
    """Between which moments calls that name executions lie; None where that is not known of all of them."""
    arguments = {"project": project_id, "executions": list(executions)}
    with conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(statement(__package__, "span_of_executions"), arguments).fetchone()
    first, last, known = row or (None, None, 0)
    is_known = known == len(set(executions)) and first is not None and last is not None
    return (first - COPIES_DIFFER, last + COPIES_DIFFER) if is_known else None


def _all(piece: Piece) -> Span:
    return piece.start, piece.end
