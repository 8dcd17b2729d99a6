"""Which budgets hold for something: its own before everybody's, named before each, and what a session has used."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from psycopg import Connection

from telemetry.contracts import Call, UsageRow
from telemetry.database import connection
from telemetry.limits import budgets
from telemetry.limits.granted import Grant, amount
from telemetry.models import Budget, Project
from tests.budgeting import PLAN, grant_plan
from tests.page_reading import store


def granted(project: Project, **asked: Any) -> list[Grant]:
    """The budgets that hold."""
    return budgets.applying(connection(), project_id=project.pk, **asked)


def said(project: Project, **asked: Any) -> list[tuple[str, str, str, int]]:
    """The same, in short."""
    return [(one.scope, one.subject, one.counts, one.limit) for one in granted(project, **asked)]


def grant(project: Project | None, scope: str, subject: str = "", **fields: Any) -> Budget:
    """A budget that a person wrote."""
    written = {"period": "day", "amount": Decimal(100), **fields}
    budget = Budget(project=project, scope=scope, subject=subject, **written)
    budget.full_clean()
    budget.save()
    return budget


@pytest.fixture(autouse=True)
def plan(database: None) -> None:
    """What every project begins with."""
    grant_plan()


def test_the_migration_writes_the_plan_s_budgets(own: Connection[tuple[object, ...]]) -> None:
    rows = own.execute("SELECT subject, amount, mode, project_id FROM telemetry_budget").fetchall()
    assert sorted(map(str, rows)) == sorted(
        str((kind, Decimal(tokens).quantize(Decimal(10) ** -9), "shadow", None)) for kind, tokens in PLAN.items()
    )


def test_the_plan_s_defaults_hold_for_each_session_type_in_every_project(project: Project) -> None:
    for kind, tokens in (("direct_chat", 10_000), ("cron_job", 20_000), ("sub_agent", 30_000)):
        (one,) = granted(project, session_type=kind)
        assert (one.scope, one.subject, one.period, one.counts) == ("session_type", kind, "session", "weighted")
        assert (one.limit, one.mode, one.spent) == (tokens, "shadow", 0)
    assert granted(project) == granted(project, session_type="interactive") == []


def test_a_project_s_own_budget_stands_in_place_of_everybody_s(project: Project) -> None:
    grant(project, "session_type", "direct_chat", period="session", amount=Decimal(50_000), mode="enforce")
    (one,) = granted(project, session_type="direct_chat")
    assert (one.limit, one.mode) == (50_000, "enforce")
    assert said(project, session_type="cron_job") == [("session_type", "cron_job", "weighted", 20_000)]


def test_an_own_one_that_is_off_lifts_everybody_s(project: Project) -> None:
    grant(project, "session_type", "direct_chat", period="session", is_enabled=False)
    assert granted(project, session_type="direct_chat") == []


def test_a_named_budget_stands_in_place_of_the_one_for_each_of_the_same_span(project: Project) -> None:
    grant(project, "agent", amount=Decimal(10))
    grant(project, "agent", "nightly", amount=Decimal(20))
    grant(project, "agent", period="week", amount=Decimal(30))
    assert said(project, agent="builder") == [
        ("agent", "builder", "weighted", 10),
        ("agent", "builder", "weighted", 30),
    ]
    assert said(project, agent="nightly") == [
        ("agent", "nightly", "weighted", 20),
        ("agent", "nightly", "weighted", 30),
    ]


def test_an_own_budget_for_each_comes_before_everybody_s_named_one(project: Project) -> None:
    name = f"agent-{uuid.uuid4().hex[:8]}"
    shared = grant(None, "agent", name, amount=Decimal(10))
    try:
        assert said(project, agent=name) == [("agent", name, "weighted", 10)]
        grant(project, "agent", amount=Decimal(70))
        assert said(project, agent=name) == [("agent", name, "weighted", 70)]
    finally:
        shared.delete()


def test_tokens_and_dollars_of_one_span_hold_beside_each_other(project: Project) -> None:
    grant(project, "project", period="month", counts="usd", amount=Decimal("120.000000005"))
    grant(project, "project", period="month", counts="gross", amount=Decimal(5_000))
    assert said(project) == [("project", "", "gross", 5_000), ("project", "", "usd", 120_000_000_005)]


def test_what_belongs_to_another_project_or_to_nothing_that_is_known_does_not_hold(project: Project) -> None:
    other = Project.objects.create(slug=f"o{uuid.uuid4().hex[:12]}")
    grant(other, "project")
    for scope in ("agent", "task_type", "tier", "objective"):
        grant(project, scope)
    grant(project, "session", period="session")
    assert granted(project) == []
    named = {"agent": "a", "task_type": "t", "tier": "1", "objective": "o", "session_id": "s"}
    assert [one.scope for one in granted(project, **named)] == ["agent", "objective", "session", "task_type", "tier"]


def test_a_session_s_type_and_what_it_has_used_are_looked_up(project: Project) -> None:
    first = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    calls = [
        Call(
            started_at=first + timedelta(hours=n),
            model="claude-opus-4-5",
            provider="anthropic",
            session_id=("s", "s", "s", "other")[n],
            session_type="direct_chat",
            agent=("builder", "reviewer")[n % 2],
            input_uncached=100,
            cache_read=1_000 + n,
            cache_write_1h=30,
            output=10,
        )
        for n in range(4)
    ]
    store(project, calls)
    grant(project, "agent", "builder", period="session", counts="gross", amount=Decimal(9_000))
    grant(project, "session", period="session", counts="usd", amount=Decimal(1))
    grant(project, "agent", period="day")
    by_scope = {(one.scope, one.period): one for one in granted(project, session_id="s", agent="builder")}
    mine = [call for call in calls if call.session_id == "s"]
    whole = UsageRow(input_uncached=300, cache_read=sum(call.cache_read for call in mine), cache_write_1h=90, output=30)
    assert by_scope["session_type", "session"].subject == "direct_chat"
    assert by_scope["session_type", "session"].spent == 810 == amount("weighted", whole)
    assert by_scope["agent", "session"].spent == sum(1_000 + n + 140 for n in (0, 2))
    assert by_scope["session", "session"].spent == 300 * 5_000 + 3_003 * 500 + 90 * 10_000 + 30 * 25_000
    assert by_scope["agent", "day"].spent is None
    fresh = granted(project, session_id="nobody's", session_type="cron_job")
    assert [(one.subject, one.spent) for one in fresh] == [("nobody's", 0), ("cron_job", 0)]


def test_the_demo_has_the_plan_s_budgets_enforced_and_keeps_what_a_person_changed(project: Project) -> None:
    budgets.grant_demo(project_id=project.pk)
    Budget.objects.filter(project=project, scope="project").update(amount=Decimal(5))
    budgets.grant_demo(project_id=project.pk)
    assert Budget.objects.filter(project=project).count() == len(budgets.DEMO)
    assert [one.mode for one in granted(project, session_type="sub_agent") if one.period == "session"] == ["enforce"]
    assert ("project", "", "usd", 5_000_000_000) in said(project)


@pytest.mark.parametrize(
    ("scope", "fields", "where"),
    [
        ("project", {"subject": "me"}, "subject"),
        ("session", {"period": "day"}, "period"),
        ("objective", {"period": "run"}, "period"),
        ("agent", {"amount": Decimal("1.5")}, "amount"),
        ("agent", {"amount": Decimal(0)}, "amount"),
        ("agent", {"amount": Decimal(10**9 + 1), "counts": "usd"}, "amount"),
    ],
)
def test_a_budget_that_would_mean_something_else_is_refused_at_its_field(
    project: Project, scope: str, fields: dict[str, Any], where: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        grant(project, scope, **fields)
    assert where in refused.value.message_dict


def test_there_is_one_budget_of_a_kind_also_for_every_project(project: Project) -> None:
    grant(project, "agent", "builder")
    with pytest.raises(ValidationError, match="There is a budget of this kind already"):
        grant(project, "agent", "builder", amount=Decimal(5))
    with pytest.raises(IntegrityError), transaction.atomic():
        Budget.objects.create(scope="session_type", subject="cron_job", period="session", amount=Decimal(1))
