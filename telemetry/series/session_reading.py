"""READ: the sessions of a window with the sums of their calls there, from rollups. No list reads a call.

The first pages of all sessions of a window are found by what whole sessions came to (`session_totals.py`), so that only
those that are shown are added up; where a list is narrowed, and far behind, all are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, LiteralString

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from telemetry.contracts import UsageRow
from telemetry.series import plan, queries, session_totals
from telemetry.series.queries import DIMENSIONS, Filters, filter_arguments, filter_clauses
from telemetry.series.rows import rows_between
from telemetry.series.run_rows import SUMS, ModelShare, SessionRow
from telemetry.series.window import Window
from telemetry.statements import statement

FILTERS: Mapping[str, LiteralString] = {name: DIMENSIONS[name] for name in (plan.SESSION, *plan.KEPT)}
Order = Literal["cost", "tokens", "start"]
MOST_FOUND = 500  # rows from the first on, up to which nobody else is added up
_TOKENS: LiteralString = "input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output"
_ORDERS: Mapping[Order, LiteralString] = {
    "cost": f"found.cost_nanousd DESC, ({_TOKENS}) DESC, session_id",
    "tokens": f"({_TOKENS}) DESC, session_id",
    "start": "whole.first_at DESC, session_id",
}


def sessions_between(
    conn: Connection[Any],
    *,
    project_id: int,
    window: Window,
    filters: Filters | None = None,
    order: Order = "cost",
    limit: int | None,
    offset: int = 0,
) -> tuple[list[SessionRow], int]:
    """Sessions that have calls in a window, with the sums of those that filters let through, in that order; and how
    many there are in all, 0 where the offset lies behind the last. Calls without a session are none."""
    if not filters and limit is not None and offset + limit <= MOST_FOUND:
        listed = _first(conn, project_id, window, order, limit, offset)
        if listed is not None:
            return listed, session_totals.count_sessions(conn, project_id=project_id, window=window) if listed else 0
    rows, arguments = rows_between(
        conn,
        project_id=project_id,
        edges=[window.start, window.end],
        dimensions={plan.SESSION, *(filters or {})},
        filters=filters,
    )
    sums = sql.SQL(", ").join(sql.SQL("sum({0}) AS {0}").format(sql.Identifier(name)) for name in SUMS)
    query = sql.SQL(statement(__package__, "sessions_between")).format(
        rows=rows,
        sums=sums,
        names=sql.SQL(", ").join(sql.Identifier("found", name) for name in SUMS),
        filters=filter_clauses(filters),
        order=sql.SQL(_ORDERS[order]),
    )
    arguments |= {"limit": limit, "offset": offset, **filter_arguments(filters)}
    with conn.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(query, arguments).fetchall()
    sessions = [
        SessionRow(key, first, last, UsageRow(key=key, **dict(zip(SUMS, map(int, sums), strict=True))))
        for key, first, last, _, *sums in found
    ]
    return sessions, found[0][3] if found else 0


def _first(
    conn: Connection[Any], project_id: int, window: Window, order: Order, limit: int, offset: int
) -> list[SessionRow] | None:
    """The sessions of a page without filters; None where these are not known without adding up all."""
    asked: dict[str, Any] = {"project_id": project_id, "window": window}
    if order == "start":
        wholes = session_totals.newest_sessions(conn, **asked, limit=limit, offset=offset)
        among = {plan.SESSION: [one.session_id for one in wholes]}
        sums = {row.key: row for row in queries.usage_by(conn, **asked, by=plan.SESSION, filters=among)}
        return [SessionRow(one.session_id, one.first_at, one.last_at, sums[one.session_id]) for one in wholes]
    found = session_totals.first_sessions(conn, **asked, limit=offset + limit + 1, order=order)
    if found is None:
        return None
    shown = [row for row in found if row.key][offset : offset + limit]
    known = session_totals.whole_sessions(conn, project_id=project_id, sessions=[row.key for row in shown])
    return [SessionRow(row.key, known[row.key].first_at, known[row.key].last_at, row) for row in shown]


def session_models(
    conn: Connection[Any],
    *,
    project_id: int,
    window: Window,
    sessions: Sequence[str],
    filters: Filters | None = None,
) -> list[ModelShare]:
    """What each model's calls of these sessions add up to in a window, dearest first."""
    among = {**(filters or {}), plan.SESSION: sessions}
    rows, arguments = rows_between(
        conn,
        project_id=project_id,
        edges=[window.start, window.end],
        dimensions={plan.SESSION, *among},
        filters=among,
    )
    query = sql.SQL(statement(__package__, "session_models")).format(rows=rows, filters=filter_clauses(among))
    with conn.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(query, {**arguments, **filter_arguments(among)}).fetchall()
    return [ModelShare(session, model, int(cost), int(tokens)) for session, model, cost, tokens in found]
