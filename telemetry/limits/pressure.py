"""How a call stands with its budgets before it is made: whether its session is over already, or nearly.

A pure read, so that it may come before everything that costs nothing: a kept answer, and a prompt that is made shorter.
Budgets of a tier are left out, for which tier answers is not known yet; and those that do not refuse anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.limits import reserving
from telemetry.limits.holding import BudgetSpans, amount_of, find_budget_spans, told
from telemetry.limits.windows import COMPRESSES, HELD_BACK, Asked, Reserved, Stand, Window, refusal
from telemetry.statements import prepared, statement


@dataclass(frozen=True, slots=True)
class BudgetPressure:
    """`is_over`: of an enforced budget all is used but what is held back for a last summary, and `message` and
    `budgets` say which, as of a refusal. `is_pressed`: nine tenths of one are used, with the prompt of this call. What
    is only reserved counts in neither, for most of it comes back. `spans` are those that `hold_budgets` needs, and
    `used_of` says what was used of each."""

    is_over: bool
    is_pressed: bool
    message: str
    budgets: tuple[dict[str, Any], ...]
    spans: BudgetSpans
    used_of: Mapping[UUID, int]


def press_budgets(
    call: Call,
    *,
    project_id: int,
    zone: str,
    parent_session: str,
    prices: tuple[int, int] | None,
    is_final: bool,
    now: datetime,
    key_id: int = 0,
) -> BudgetPressure:
    """How the budgets stand under which a call falls that is made with a key. `prices` as of `hold_budgets`."""
    conn = connection()
    spans = find_budget_spans(
        call, project_id=project_id, key_id=key_id, zone=zone, parent_session=parent_session, now=now
    )
    binding = [one for one in spans.windows if one.is_binding and one.grant.scope != "tier"]
    if not binding:
        return BudgetPressure(False, False, "", (), spans, {})
    amount = amount_of(conn, call, project_id=project_id, prices=prices, is_final=is_final)
    found = stands(conn, project_id=project_id, windows=binding, amount=amount, now=now)
    over = tuple(one for one in found if _is_over(one, is_final=is_final))
    message = refusal(Reserved("", False, call.output, 0, (), over))
    return BudgetPressure(
        is_over=bool(over),
        is_pressed=any(one.used + one.takes >= COMPRESSES * one.window.grant.limit for one in found),
        message=message,
        budgets=tuple(map(told, over)),
        spans=spans,
        used_of={one.window.id: one.used for one in found},
    )


def stands(
    conn: Connection[Any], *, project_id: int, windows: Sequence[Window], amount: Asked, now: datetime
) -> list[Stand]:
    """Windows as they stand, counted anew where nobody did lately."""
    found = read_windows(conn, project_id=project_id, windows=windows)
    missing = [one for one in windows if one.id not in found]
    old = [one for one in windows if one.id in found and now - found[one.id][2] > reserving.COUNTED]
    if missing:
        reserving.begin(conn, project_id=project_id, scopes=missing, now=now)
    if old:
        reserving.count(conn, project_id=project_id, scopes=old, now=now)
    if missing or old:
        found = read_windows(conn, project_id=project_id, windows=windows)
    takes = {"usd": amount.nanousd, "gross": amount.gross, "weighted": amount.weighted}
    return [
        Stand(one, used, reserved, amount.output, takes[one.grant.counts], counted_at)
        for one in windows
        for used, reserved, counted_at in (found.get(one.id, (one.grant.spent or 0, 0, now)),)
    ]


def read_windows(
    conn: Connection[Any], *, project_id: int, windows: Sequence[Window]
) -> dict[UUID, tuple[int, int, datetime]]:
    """What is used of windows and reserved in them, and when the ledger was asked; those that there are."""
    asked = {"project": project_id, "ids": [one.id for one in windows]}
    rows = prepared(conn, tuple_row).execute(statement(__package__, "read_windows"), asked).fetchall()
    return {key: (used, reserved, counted_at) for key, used, reserved, counted_at in rows}


def _is_over(stand: Stand, *, is_final: bool) -> bool:
    limit = stand.window.grant.limit
    return stand.used >= limit - (0 if is_final else limit // HELD_BACK)
