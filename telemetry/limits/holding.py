"""What the gateway asks of budgets before a call, and tells them after it: verbs of telemetry's door.

Budgets in shadow mode cost a call nothing here: what is used of them is in the ledger as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.contracts import Call, UsageRow
from telemetry.database import connection
from telemetry.ledger.overrides import book_for
from telemetry.limits import reserving
from telemetry.limits.checking import cost_of, priced, sums_of
from telemetry.limits.granted import Grant
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
    windows_of,
)
from telemetry.looped import Question
from telemetry.series.window import time_zone
from telemetry.statements import statement
from telemetry.usage import usd


@dataclass(frozen=True, slots=True)
class BudgetHold:
    """What budgets said of a call. `output` tokens are granted, and nothing is held where `is_granted` is false.

    `is_binding`: one of them is enforced, so that `output` must be kept. `is_of_tier`: those that refused it are of the
    tier alone, so that another tier may be asked. `used`, `reserved` and `limit` are those of the fullest, as texts in
    its unit; `stage` is how full that is, and `advice` what to do about it. `budgets` says of each that refused or
    lowered it what a program may want to know.
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
    used_of: Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class BudgetSpans:
    """The spans of budgets under which a call of a tier falls, but for those in shadow mode, as they were once; and by
    which `grants` they are its own and not its parent session's."""

    tier: str
    found_at: datetime
    windows: tuple[Window, ...]
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldProject:
    """A project in which budgets warn or are enforced. Its session decides which hold for a call where `is_by_session`.
    The `version` is another one once any of its budgets was changed."""

    zone: str
    is_enforced: bool
    is_by_session: bool
    version: str


def held_projects(conn: Connection[Any] | None = None) -> dict[int, HeldProject]:
    """The projects in which budgets warn or are enforced."""
    with (conn or connection()).cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "held_projects")).fetchall()
    return {project_id: HeldProject(*said) for project_id, *said in rows}


def hold_budgets(
    call: Call,
    *,
    project_id: int,
    spans: BudgetSpans,
    prices: tuple[int, int] | None,
    is_final: bool,
    now: datetime,
    until: datetime,
) -> BudgetHold | None:
    """Reserve what a call may come to, its output at most, under its id, in all budgets of `spans`; None where there
    are none. `prices`: nano-dollars a token of input and output; None: the price book's."""
    if not spans.windows:
        return None
    conn = connection()
    amount = amount_of(conn, call, project_id=project_id, prices=prices, is_final=is_final)
    said = reserving.reserve(
        conn, project_id=project_id, scopes=spans.windows, amount=amount, now=now, until=until, reservation_id=call.id
    )
    return _answer(said)


@dataclass(frozen=True, slots=True)
class BudgetQuestion:
    """`hold_budgets` for who asks the database himself; `question` reserves where all is as usual."""

    question: Question
    scopes: tuple[Window, ...]
    amount: Asked
    lease: str
    now: datetime

    def told(self, rows: Sequence[tuple[Any, ...]]) -> tuple[BudgetHold | None, bool]:
        """What budgets said by the rows that came, and whether `recount_budgets` is due. None where nothing is reserved
        and `hold_budgets` is to say why: windows are missing, or what they know of the ledger is too old to refuse."""
        is_whole, said = reserving.room_told(rows, scopes=self.scopes, amount=self.amount, lease=self.lease)
        is_due = bool(is_whole and reserving.too_old(said, now=self.now))
        return (_answer(said) if is_whole and (said.is_granted or not is_due) else None), is_due


def ask_budgets(
    call: Call,
    *,
    project_id: int,
    spans: BudgetSpans,
    prices: tuple[int, int],
    is_final: bool,
    now: datetime,
    until: datetime,
) -> BudgetQuestion:
    """What to ask the database to reserve what a call may come to, as `hold_budgets` does; there are `spans`."""
    amount = amount_at(call, prices=prices, is_final=is_final)
    question = reserving.take_room(
        project_id=project_id, scopes=spans.windows, amount=amount, now=now, lease=call.id, until=until
    )
    return BudgetQuestion(question, spans.windows, amount, call.id, now)


def recount_budgets(asked: BudgetQuestion, *, project_id: int) -> None:
    """Have windows know what the ledger says now."""
    reserving.count(connection(), project_id=project_id, scopes=asked.scopes, now=asked.now)


def find_budget_spans(
    call: Call, *, project_id: int, key_id: int, zone: str, parent_session: str, now: datetime
) -> BudgetSpans:
    """The spans of budgets that warn or are enforced under which a call falls that is made with a key."""
    conn, whose = connection(), _whose(call, key_id=key_id, parent_session=parent_session)
    if parent_session:
        every = reserving.windows(conn, project_id=project_id, whose=whose, zone=zone, now=now)
        return BudgetSpans(call.tier, now, tuple(window for window in every if window.grant.mode != "shadow"))
    grants = reserving.grants_to(conn, project_id=project_id, whose=whose)
    return budget_spans([grant for grant in grants if grant.mode != "shadow"], call, zone=zone, now=now)


def budget_spans(grants: Sequence[Grant], call: Call, *, zone: str, now: datetime) -> BudgetSpans:
    """The spans of budgets that are known to hold for a call without a parent session."""
    whose = _whose(call, key_id=0, parent_session="")
    windows = windows_of(grants, whose=whose, now=now, tz=time_zone(zone))
    return BudgetSpans(call.tier, now, tuple(windows), tuple(grants))


def _whose(call: Call, *, key_id: int, parent_session: str) -> Whose:
    return Whose(
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


def amount_of(
    conn: Connection[Any], call: Call, *, project_id: int, prices: tuple[int, int] | None, is_final: bool
) -> Asked:
    """What a call asks of budgets, by prices that are known or the project's book."""
    if prices is None:
        return priced(call, book=book_for(conn, project_id=project_id), is_final=is_final)
    return amount_at(call, prices=prices, is_final=is_final)


def amount_at(call: Call, *, prices: tuple[int, int], is_final: bool) -> Asked:
    """What a call asks of budgets, by prices that are known."""
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
        budgets=tuple(map(told, said.refused_by or said.lowered_by)),
        used_of={stand.window.id: stand.used for stand in said.stands},
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
