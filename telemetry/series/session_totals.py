"""What whole sessions came to, in order: how the first of a window are found without adding up all of them.

No part of a session costs more than the whole of it. So sessions are taken from the dearest on, and each is added up
within the window; once the last one that was taken costs less in its whole life than the tenth costs in the window, no
other can be among the ten. The same with tokens. The threshold algorithm of Fagin, Lotem and Naor (2003), with one
list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, LiteralString, NamedTuple

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row

from telemetry.contracts import UsageRow
from telemetry.series import plan, queries
from telemetry.series.rows import rows_between
from telemetry.series.window import Window
from telemetry.statements import statement

_TAKEN, _BESIDE = 4, 30  # so many times as many as are asked for, first, or so many more,
_MORE = 5  # so many times more where that does not do,
_MOST = 2_500  # up to so many: then all are added up
Order = Literal["cost", "tokens"]
_ORDERS: Mapping[Order, LiteralString] = {"cost": "cost_nanousd DESC, tokens DESC", "tokens": "tokens DESC"}


class SessionTotal(NamedTuple):
    """What a session's calls add up to, in nano-dollars and tokens, from its first to its last."""

    session_id: str
    cost_nanousd: int
    tokens: int
    first_at: datetime
    last_at: datetime


def top_sessions(conn: Connection[Any], *, project_id: int, window: Window, limit: int) -> list[UsageRow]:
    """The dearest sessions of a window: what `queries.usage_by` answers. Calls without a session are one of them."""
    found = first_sessions(conn, project_id=project_id, window=window, limit=limit)
    if found is None:
        return queries.usage_by(conn, project_id=project_id, window=window, by="session", limit=limit)
    return found


def first_sessions(
    conn: Connection[Any], *, project_id: int, window: Window, limit: int, order: Order = "cost"
) -> list[UsageRow] | None:
    """The first `limit` sessions of a window in an order: dearest, then most tokens; or most tokens. Calls without a
    session are one of them. None where that is not known without adding up all."""
    count = min(_TAKEN * limit, limit + _BESIDE)
    while count <= _MOST:
        taken = dearest_sessions(conn, project_id=project_id, window=window, count=count, order=order)
        among = {"session": ["", *(one.session_id for one in taken)]}
        rows = queries.usage_by(conn, project_id=project_id, window=window, by="session", filters=among)
        rows = sorted(rows, key=lambda row: (*(-figure for figure in _figures(row, order)), row.key))[:limit]
        if len(taken) < count or (len(rows) == limit and _figures(rows[-1], order) > _figures(taken[-1], order)):
            return rows
        count *= _MORE
    return None


def _figures(one: UsageRow | SessionTotal, order: Order) -> tuple[int, ...]:
    """What an order compares; no part of a session has more of it than the whole."""
    return (one.tokens,) if order == "tokens" else (one.cost_nanousd, one.tokens)


def dearest_sessions(
    conn: Connection[Any], *, project_id: int, window: Window, count: int, order: Order = "cost"
) -> list[SessionTotal]:
    """The `count` sessions that went on in a window and are the first in an order by their whole life."""
    arguments = {"project": project_id, "start": window.start, "end": window.end, "count": count}
    query = sql.SQL(statement(__package__, "dearest_sessions")).format(order=sql.SQL(_ORDERS[order]))
    with conn.cursor(row_factory=class_row(SessionTotal)) as cursor:
        return cursor.execute(query, arguments).fetchall()


def newest_sessions(
    conn: Connection[Any], *, project_id: int, window: Window, limit: int, offset: int
) -> list[SessionTotal]:
    """Sessions that have calls in a window, those that began last first."""
    rows, arguments = _rows(conn, project_id, window)
    query = sql.SQL(statement(__package__, "newest_sessions")).format(rows=rows)
    arguments |= {"limit": limit, "offset": offset, "most": offset + limit}
    with conn.cursor(row_factory=class_row(SessionTotal)) as cursor:
        return cursor.execute(query, arguments).fetchall()


def count_sessions(conn: Connection[Any], *, project_id: int, window: Window) -> int:
    """How many sessions have calls in a window."""
    rows, arguments = _rows(conn, project_id, window)
    query = sql.SQL(statement(__package__, "count_sessions")).format(rows=rows)
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(query, arguments).fetchone() or 0)


def whole_sessions(conn: Connection[Any], *, project_id: int, sessions: Sequence[str]) -> dict[str, SessionTotal]:
    """What these sessions came to as wholes, by their ids."""
    arguments = {"project": project_id, "sessions": list(sessions)}
    with conn.cursor(row_factory=class_row(SessionTotal)) as cursor:
        found = cursor.execute(statement(__package__, "whole_sessions"), arguments).fetchall()
    return {one.session_id: one for one in found}


def _rows(conn: Connection[Any], project_id: int, window: Window) -> tuple[sql.Composed, dict[str, Any]]:
    """The rows of sessions in a window, and the arguments of a statement over them."""
    edges = [window.start, window.end]
    rows, arguments = rows_between(conn, project_id=project_id, edges=edges, dimensions={plan.SESSION})
    return rows, arguments | {"start": window.start, "end": window.end}


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
