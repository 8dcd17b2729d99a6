"""What the gateway asks of budgets before a call, and tells them after it: verbs of telemetry's door.

Budgets in shadow mode cost a call nothing here: what is used of them is in the ledger as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.contracts import Call, UsageRow
from telemetry.database import connection
from telemetry.ledger.overrides import book_for
from telemetry.limits import reserving
from telemetry.limits.checking import cost_of, priced, sums_of
from telemetry.limits.windows import (
    Asked,
    Reserved,
    Spent,
    Stand,
    Whose,
    Window,
    advice,
    asked,
    ends_at,
    refusal,
    spent,
)
from telemetry.statements import statement
from telemetry.usage import usd

_FRESH = timedelta(seconds=2)  # for which it is believed that a call falls under these budgets and no others


@dataclass(frozen=True, slots=True)
class BudgetHold:
    """What budgets said of a call. `output` tokens are granted, and nothing is held where `is_granted` is false.

    `is_binding`: one of them is enforced, so that `output` must be kept. `is_of_tier`: those that refused it are of the
    tier alone, so that another tier may be asked. `used`, `reserved` and `limit` are those of the fullest, as texts in
    its unit; `stage` is how full that is, and `advice` what to do about it. `budgets` says of each that refused what a
    program may want to know.
    """

    reservation_id: str
    is_granted: bool
    output: int
    is_lowered: bool
    is_binding: bool
    is_of_tier: bool
    stage: str
    used: str
    reserved: str
    limit: str
    advice: str
    message: str
    budgets: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class BudgetSpans:
    """The spans of budgets under which a call of a tier falls, but for those in shadow mode, as they were once."""

    tier: str
    found_at: datetime
    windows: tuple[Window, ...]


def held_projects(conn: Connection[Any] | None = None) -> dict[int, tuple[str, bool]]:
    """The projects in which budgets warn or are enforced: the zone of each, and whether one is enforced."""
    with (conn or connection()).cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "held_projects")).fetchall()
    return {project_id: (zone, is_enforced) for project_id, zone, is_enforced in rows}


def hold_budgets(
    call: Call,
    *,
    project_id: int,
    zone: str,
    parent_session: str,
    prices: tuple[int, int] | None,
    is_final: bool,
    now: datetime,
    until: datetime,
    key_id: int = 0,
    spans: BudgetSpans | None = None,
) -> BudgetHold | None:
    """Reserve what a call may come to, its output at most, under its id, in all budgets that warn or are enforced; None
    where there are none. `prices`: nano-dollars a token of input and output; None: the price book's. `spans`, where
    they were looked up a moment ago."""
    conn = connection()
    if spans is None or spans.tier != call.tier or now - spans.found_at > _FRESH:
        spans = spans_of(call, project_id=project_id, key_id=key_id, zone=zone, parent_session=parent_session, now=now)
    if not spans.windows:
        return None
    amount = amount_of(conn, call, project_id=project_id, prices=prices, is_final=is_final)
    said = reserving.reserve(
        conn, project_id=project_id, scopes=spans.windows, amount=amount, now=now, until=until, reservation_id=call.id
    )
    return _answer(said)


def spans_of(call: Call, *, project_id: int, key_id: int, zone: str, parent_session: str, now: datetime) -> BudgetSpans:
    """The spans of budgets that warn or are enforced under which a call falls that is made with a key."""
    whose = Whose(
        session_id=call.session_id,
        session_type=call.session_type,
        parent_session=parent_session,
        agent=call.agent,
        task_type=call.task_type,
        tier=call.tier,
        objective=call.objective,
        execution_id=call.execution_id,
        key_id=key_id,
    )
    every = reserving.windows(connection(), project_id=project_id, whose=whose, zone=zone, now=now)
    return BudgetSpans(call.tier, now, tuple(window for window in every if window.grant.mode != "shadow"))


def amount_of(
    conn: Connection[Any], call: Call, *, project_id: int, prices: tuple[int, int] | None, is_final: bool
) -> Asked:
    """What a call asks of budgets, by prices that are known or the project's book."""
    if prices is None:
        return priced(call, book=book_for(conn, project_id=project_id), is_final=is_final)
    prompt: UsageRow = sums_of(call)
    costs = {"input_nanousd": prompt.input_total * prices[0], "output_nanousd": prices[1]}
    return asked(prompt, output=call.output, is_final=is_final, **costs)


def settle_budgets(calls: Sequence[Call], *, project_id: int, now: datetime, unused: Sequence[str] = ()) -> None:
    """End what was held for calls, which are in the ledger now, and for those that were never made."""
    conn = connection()
    book = book_for(conn, project_id=project_id)
    ended = [spent(call.id, sums_of(call), cost_nanousd=cost_of(call, book)) for call in calls]
    ended += map(Spent, unused)
    reserving.settle(conn, project_id=project_id, spent=ended, is_recorded=True, now=now)


def _answer(said: Reserved) -> BudgetHold:
    fullest = max(said.stands, key=lambda stand: stand.share)
    return BudgetHold(
        reservation_id=said.reservation_id,
        is_granted=said.is_granted,
        output=said.output,
        is_lowered=said.is_granted and said.output < said.wanted,
        is_binding=any(one.window.is_binding for one in said.stands),
        is_of_tier=bool(said.refused_by) and all(one.window.grant.scope == "tier" for one in said.refused_by),
        stage=fullest.stage,
        used=_exact(fullest, fullest.used),
        reserved=_exact(fullest, fullest.reserved),
        limit=_exact(fullest, fullest.window.grant.limit),
        advice=advice(fullest.stage, period=fullest.window.grant.period, is_binding=fullest.window.is_binding),
        message=refusal(said),
        budgets=tuple(map(told, said.refused_by)),
    )


def told(stand: Stand) -> dict[str, Any]:
    """A budget that refuses, in words of the API."""
    grant = stand.window.grant
    names = ("scope", "subject", "period", "counts")
    amounts = {"limit": grant.limit, "used": stand.used, "reserved": stand.reserved, "left": stand.left}
    return {
        "id": grant.budget_id,
        **{name: getattr(grant, name) for name in names},
        **{name: _exact(stand, amount) for name, amount in amounts.items()},
        "ends_at": ends_at(stand.window),
    }


def _exact(stand: Stand, amount: int) -> str:
    return usd(amount) if stand.window.grant.counts == "usd" else str(amount)
