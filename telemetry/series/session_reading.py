"""READ: the sessions of a window with the sums of their calls there, from rollups. No list reads a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, LiteralString

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from telemetry.contracts import UsageRow
from telemetry.series import plan
from telemetry.series.queries import DIMENSIONS, Filters, filter_arguments, filter_clauses
from telemetry.series.rows import rows_between
from telemetry.series.run_rows import SUMS, ModelShare, SessionRow
from telemetry.series.window import Window
from telemetry.statements import statement

FILTERS: Mapping[str, LiteralString] = {name: DIMENSIONS[name] for name in (plan.SESSION, *plan.KEPT)}
Order = Literal["cost", "tokens", "start"]
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
