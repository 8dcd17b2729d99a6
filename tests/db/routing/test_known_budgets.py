"""What the gateway knows of budgets without a question: never more than the database said, and not for long."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from routing.gateway import known_budgets
from routing.gateway.known_budgets import KnownBudgets, key_of
from telemetry import facade
from telemetry.contracts import Call
from telemetry.facade import BudgetHold, BudgetSpans, HeldProject
from telemetry.models import Budget, Project

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DOLLAR = 10**9


def grant(project: Project, amount: int, **changes: Any) -> Budget:
    fields = {"scope": "project", "period": "day", "counts": "gross", "mode": "enforce"}
    return Budget.objects.create(project=project, amount=Decimal(amount), **{**fields, **changes})


def call(tokens: int = 10, number: int = 0, **changes: Any) -> Call:
    return Call(started_at=NOW, model="m", id=f"c-{number}", input_uncached=tokens, **changes)


def held(project: Project) -> HeldProject:
    return facade.held_projects()[project.pk]


def asked(project: Project, one: Call) -> tuple[BudgetSpans, BudgetHold]:
    spans = facade.find_budget_spans(one, project_id=project.pk, key_id=0, zone="UTC", parent_session="", now=NOW)
    said = facade.hold_budgets(
        one, project_id=project.pk, spans=spans, prices=(0, 0), is_final=False, now=NOW, until=NOW
    )
    assert said is not None
    return spans, said


def learned(project: Project, one: Call) -> KnownBudgets:
    known = KnownBudgets()
    spans, said = asked(project, one)
    known.learn(key(project, one), spans, said.used_of)
    return known


def key(project: Project, one: Call) -> tuple[object, ...]:
    return key_of(one, held(project), project_id=project.pk, key_id=0)


def spans(known: KnownBudgets, project: Project, one: Call) -> BudgetSpans | None:
    return known.spans(key(project, one), one, held(project), now=NOW)


def test_the_next_call_falls_under_what_the_database_said_of_one_like_it(project: Project) -> None:
    grant(project, 1_000)
    known = learned(project, call(session_id="a"))
    another = call(session_id="b", number=1)
    found = spans(known, project, another)
    assert found == asked(project, another)[0]
    assert found is not None
    assert len(found.windows) == 1
    assert spans(known, project, call(agent="other")) is None


def test_a_day_that_is_over_is_followed_by_the_next(project: Project) -> None:
    grant(project, 1_000)
    known = learned(project, call())
    tomorrow = NOW + timedelta(days=1)
    for now in (tomorrow, tomorrow + timedelta(hours=1)):
        found = known.spans(key(project, call()), call(), held(project), now=now)
        assert found is not None
        assert [window.from_at for window in found.windows] == [datetime(2026, 11, 21, tzinfo=UTC)]


def test_a_run_is_not_taken_for_another(project: Project) -> None:
    grant(project, 1_000, period="run")
    known = learned(project, call(execution_id="first"))
    for name in ("second", "first"):
        found = spans(known, project, call(execution_id=name))
        assert found is not None
        assert [window.span for window in found.windows] == [name]


def test_a_budget_that_was_changed_is_looked_up_again(project: Project) -> None:
    budget = grant(project, 1_000)
    known = learned(project, call())
    assert spans(known, project, call()) is not None
    budget.amount = Decimal(900)
    budget.save()
    assert spans(known, project, call()) is None


def test_one_of_another_project_changes_nothing(project: Project) -> None:
    grant(project, 1_000)
    known = learned(project, call())
    other = Project.objects.create(slug="other-budgets", name="Other")
    grant(other, 5)
    assert spans(known, project, call()) is not None


def test_where_the_session_decides_it_is_believed_of_that_session_for_a_moment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(project, 1_000, scope="session", period="session")
    known = learned(project, call(session_id="a"))
    assert spans(known, project, call(session_id="b")) is None
    assert spans(known, project, call(session_id="a")) is not None
    later = time.monotonic() + known_budgets.BELIEVED_S + 0.1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert spans(known, project, call(session_id="a")) is None


def test_far_from_the_limit_is_half_of_it_with_the_prompt_and_known_for_a_second(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(project, 1_000)
    known = learned(project, call())
    (found, _), prices = asked(project, call(number=1)), (0, 0)
    assert known.is_far(found, call(500), prices)
    assert not known.is_far(found, call(501), prices)
    later = time.monotonic() + known_budgets.USED_S + 0.1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not known.is_far(found, call(500), prices)


def test_nothing_is_far_from_a_budget_that_nobody_asked_yet(project: Project) -> None:
    grant(project, 1_000)
    assert not KnownBudgets().is_far(asked(project, call())[0], call(1), (0, 0))


def test_money_is_far_by_the_price_of_the_prompt_and_never_without_one(project: Project) -> None:
    grant(project, 1, counts="usd")
    known = learned(project, call())
    found, _ = asked(project, call(number=1))
    assert known.is_far(found, call(100), (DOLLAR // 200, 0))
    assert not known.is_far(found, call(101), (DOLLAR // 200, 0))
    assert not known.is_far(found, call(1), None)


def test_what_only_warns_holds_nobody_up(project: Project) -> None:
    grant(project, 1_000, mode="warn")
    assert KnownBudgets().is_far(asked(project, call())[0], call(10**6), (0, 0))
