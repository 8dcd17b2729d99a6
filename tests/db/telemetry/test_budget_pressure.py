"""How a call stands with its budgets before it is made: over, pressed, or neither; by the ledger, without reserving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from telemetry import facade
from telemetry.contracts import Call
from telemetry.facade import BudgetPressure
from telemetry.limits.reserving import COUNTED
from telemetry.models import Budget, BudgetLease, BudgetWindow, Project
from tests.ledger_reading import added_up

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def grant(project: Project, amount: int, **changes: Any) -> Budget:
    fields = {"scope": "session", "period": "session", "counts": "gross", "mode": "enforce"}
    return Budget.objects.create(project=project, amount=Decimal(amount), **{**fields, **changes})


def used(project: Project, tokens: int, at: datetime = NOW) -> None:
    call = Call(started_at=NOW, model="m", id=f"c-{at}", tier="t", session_id="s", input_uncached=tokens)
    facade.record(project_id=project.pk, calls=[call], executions=[], source="test", now=at)
    added_up(project.pk)


def pressed(
    project: Project,
    prompt: int = 0,
    *,
    now: datetime = NOW,
    is_final: bool = False,
    session: str = "s",
    parent: str = "",
) -> BudgetPressure:
    return facade.press_budgets(
        Call(started_at=NOW, model="m", tier="t", session_id=session, input_uncached=prompt),
        project_id=project.pk,
        zone="UTC",
        parent_session=parent,
        prices=(0, 0),
        is_final=is_final,
        now=now,
    )


def test_a_session_is_pressed_from_nine_tenths_with_its_next_prompt_and_over_at_what_is_held_back(
    project: Project,
) -> None:
    budget = grant(project, 10_000)
    used(project, 8_000)
    assert not pressed(project, 999).is_pressed
    assert pressed(project, 1_000).is_pressed
    budget.amount = Decimal(8_422)  # of which 421 are held back
    budget.save()
    assert not pressed(project).is_over
    budget.amount = Decimal(8_421)
    budget.save()
    found = pressed(project)
    assert (found.is_over, found.budgets[0]["left"]) == (True, "421")
    assert "The budget of the session s in this session has 421 of 8421 tokens left." in found.message
    assert not pressed(project, is_final=True).is_over
    assert not BudgetLease.objects.filter(project_id=project.pk).exists()


def test_what_the_ledger_got_by_another_route_is_known_ten_seconds_later_of_a_day_too(project: Project) -> None:
    grant(project, 1_000, scope="project", period="day")
    used(project, 100)
    assert not pressed(project).is_over
    later = NOW + COUNTED + timedelta(seconds=1)
    used(project, 900, at=later)
    assert not pressed(project, now=NOW + COUNTED).is_over
    assert pressed(project, now=later).is_over


def test_a_sub_agent_is_over_with_its_parent(project: Project) -> None:
    grant(project, 1_000)
    used(project, 1_000)
    assert pressed(project, session="sub", parent="s").is_over
    assert not pressed(project, session="sub").is_over


def test_budgets_that_refuse_nothing_and_those_of_a_tier_press_nobody(project: Project) -> None:
    for mode in ("warn", "shadow"):
        grant(project, 1, mode=mode, scope={"warn": "session", "shadow": "agent"}[mode])
    grant(project, 1, scope="tier", period="day")
    used(project, 5_000)
    found = pressed(project, 5_000)
    assert (found.is_over, found.is_pressed, found.budgets, found.message) == (False, False, (), "")
    assert {one.grant.mode for one in found.spans.windows} == {"warn", "enforce"}
    assert not BudgetWindow.objects.filter(project_id=project.pk).exists()
