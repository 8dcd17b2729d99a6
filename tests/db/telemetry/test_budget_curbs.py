"""What budgets refused or lowered, written down: a row an hour and session, whoever tells of it and however often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from telemetry.database import connection
from telemetry.limits import curbs, reserving
from telemetry.limits.curbs import MOST_SESSIONS, BudgetCurb, BudgetCurbSums, budget_curbs, newest_curbs
from telemetry.limits.holding import told
from telemetry.models import BudgetCurb as Rows
from tests.ledger_reading import new_tenant
from tests.reserving import ME, NOW, call, granted, spans

pytestmark = pytest.mark.usefixtures("database")
MINUTE = timedelta(minutes=1)


def asked(tenant: int, limit: int, output: int, *, counts: str = "gross") -> list[BudgetCurb]:
    """What is to be written of a call of a thousand tokens and so much output, at three nano-dollars each."""
    scopes = spans(granted(limit, scope="session", subject="s", period="session", counts=counts))  # type: ignore[arg-type]
    said = reserving.reserve(
        connection(), project_id=tenant, scopes=scopes, amount=call(1_000, output, nanousd=3), now=NOW
    )
    return budget_curbs(
        map(told, said.lowered_by or said.refused_by),
        ME,
        prompt=1_000,
        wanted=output,
        given=said.output if said.is_granted else None,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("limit", "counts", "kind", "given"),
    [
        (100_000, "gross", None, 0),
        (10_000, "gross", "lowered", 8_500),
        (1_000, "gross", "refused", 0),
        (30_000, "usd", "lowered", 8_500),
    ],
)
def test_a_call_is_refused_or_lowered_or_has_room(limit: int, counts: str, kind: str | None, given: int) -> None:
    found = asked(new_tenant(), limit, 20_000, counts=counts)
    if kind is None:
        assert found == []
        return
    (curb,) = found
    assert (curb.kind, curb.prompt, curb.wanted, curb.given) == (kind, 1_000, 20_000, given)
    assert (curb.granted, curb.remaining, curb.session_id, curb.agent) == (limit, limit, "s", "builder")


def test_what_happens_again_within_an_hour_is_one_row_that_says_how_it_stood_last() -> None:
    tenant = new_tenant()
    (first,) = asked(tenant, 1_000, 5_000)
    for minutes, prompt in ((0, 1_000), (2, 3_000), (1, 2_000), (61, 4_000)):
        later = NOW + minutes * MINUTE
        sums = BudgetCurbSums()
        sums.add(tenant, [replace(first, last_at=later, prompt=prompt)] * 2)
        curbs.note(connection(), project_id=tenant, curbs=sums.take()[tenant])
    last, before = newest_curbs(connection(), project_id=tenant, most=9)
    assert (before.calls, before.first_at, before.last_at, before.prompt) == (6, NOW, NOW + 2 * MINUTE, 3_000)
    assert (last.calls, last.prompt) == (2, 4_000)


def test_who_makes_up_sessions_fills_no_table() -> None:
    tenant, sums = new_tenant(), BudgetCurbSums()
    (first,) = asked(tenant, 1_000, 5_000)
    for number in range(MOST_SESSIONS + 50):
        sums.add(tenant, [replace(first, session_id=f"s{number}")])
    curbs.note(connection(), project_id=tenant, curbs=sums.take()[tenant])
    rows = {one.session_id: one.calls for one in Rows.objects.filter(project_id=tenant)}
    assert (len(rows), rows[""], rows["s0"]) == (MOST_SESSIONS + 1, 50, 1)


def test_it_is_forgotten_after_two_months_and_not_before() -> None:
    tenant = new_tenant()
    (old,) = asked(tenant, 1_000, 5_000)
    curbs.note(connection(), project_id=tenant, curbs=[old, replace(old, last_at=NOW + timedelta(days=1))])
    curbs.forget_curbs(connection(), project_id=tenant, kept_from=NOW + timedelta(days=63) - curbs.KEPT)
    assert [one.last_at for one in newest_curbs(connection(), project_id=tenant, most=9)] == [NOW + timedelta(days=1)]
