"""What whole sessions cost, in order: how the dearest of a window are found without adding up all of them.

No part of a session costs more than the whole of it. So sessions are taken from the dearest on, and each is added up
within the window; once the last one that was taken costs less in its whole life than the tenth costs in the window, no
other can be among the ten. The threshold algorithm of Fagin, Lotem and Naor (2003), with one list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.contracts import UsageRow
from telemetry.series import queries
from telemetry.series.window import Window
from telemetry.statements import statement

_TAKEN = 4  # times as many as are asked for, first,
_MORE = 5  # so many times more where that does not do,
_MOST = 1_000  # up to so many: then all are added up


class SessionTotal(NamedTuple):
    """What a session's calls add up to, in nano-dollars and tokens, from its first to its last."""

    session_id: str
    cost_nanousd: int
    tokens: int


def top_sessions(conn: Connection[Any], *, project_id: int, window: Window, limit: int) -> list[UsageRow]:
    """The dearest sessions of a window: what `queries.usage_by` answers. Calls without a session are one of them."""
    count = _TAKEN * limit
    while count <= _MOST:
        taken = dearest_sessions(conn, project_id=project_id, window=window, count=count)
        among = {"session": ["", *(one.session_id for one in taken)]}
        rows = queries.usage_by(conn, project_id=project_id, window=window, by="session", filters=among, limit=limit)
        if len(taken) < count or _holds(rows, taken, limit):
            return rows
        count *= _MORE
    return queries.usage_by(conn, project_id=project_id, window=window, by="session", limit=limit)


def _holds(rows: Sequence[UsageRow], taken: Sequence[SessionTotal], limit: int) -> bool:
    """Whether no session that was not taken can be among `rows`."""
    bound, last = taken[-1], rows[-1]
    return len(rows) == limit and (last.cost_nanousd, last.tokens) > (bound.cost_nanousd, bound.tokens)


def dearest_sessions(conn: Connection[Any], *, project_id: int, window: Window, count: int) -> list[SessionTotal]:
    """The `count` sessions with calls in a window that cost the most in their whole life, then had the most tokens."""
    arguments = {"project": project_id, "start": window.start, "end": window.end, "count": count}
    with conn.cursor(row_factory=class_row(SessionTotal)) as cursor:
        return cursor.execute(statement(__package__, "dearest_sessions"), arguments).fetchall()


def refresh(conn: Connection[Any], *, project_id: int, sessions: Iterable[str]) -> None:
    """Make the sums of whole sessions anew from their days; calls without a session ('') are none."""
    names = [session for session in sessions if session]
    if names:
        clear_sessions(conn, project_id=project_id, sessions=names)
        roll_sessions(conn, project_id=project_id, sessions=names)


def clear_sessions(conn: Connection[Any], *, project_id: int, sessions: Sequence[str]) -> None:
    """Delete the sums of whole sessions."""
    arguments = {"project": project_id, "sessions": list(sessions)}
    conn.execute(statement(__package__, "clear_sessions"), arguments)


def roll_sessions(conn: Connection[Any], *, project_id: int, sessions: Sequence[str]) -> None:
    """Sum up the days of sessions, each as a whole."""
    arguments = {"project": project_id, "sessions": list(sessions)}
    conn.execute(statement(__package__, "roll_sessions"), arguments)
