"""Who is told that a run is expected to exceed a budget: before it begins, and once half of what may come does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from telemetry.database import connection
from telemetry.models import AlertDelivery, AlertRule, Forecast, Project
from telemetry.observer.alerts.waking import after_forecasting
from tests.alerting import NOON, channel, look, rule, told
from tests.forecasts import forecast_of

AHEAD: dict[str, Any] = {"warns": True, "p_exceed": 0.62}
GOING: dict[str, Any] = {
    "overrun_at": NOON,
    "overrun_calls": 7,
    "overrun_used": 31_000,
    "overrun_expected": 64_000,
}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def facts(project: Project) -> list[tuple[str, str]]:
    """What the last message says in detail."""
    row = AlertDelivery.objects.filter(project=project).order_by("pk").last()
    assert row is not None
    return [(one["name"], one["value"]) for one in row.message["facts"]]


def test_a_run_that_is_likely_to_exceed_its_budget_is_told_of_with_its_reasons(project: Project) -> None:
    channel(project)
    rule(project, "overrun_ahead")
    forecast_of(project, "run/1", at=NOON, **AHEAD)
    look(project, at=NOON)
    assert told(project) == [("firing", "fix is expected to exceed the budget of this task")]
    ((name, why),) = facts(project)
    assert name == "run/1"
    assert why.startswith("62% likely to exceed the budget of 50,000 tokens weighted by price;")
    assert why.endswith("; from 34 earlier runs of the task type by the agent.")
    row = AlertDelivery.objects.get(project=project)
    assert [one["url"].partition("//")[2].partition("/")[2] for one in row.message["links"]] == [
        f"forecasts/?project={project.slug}&range=7d&agent=builder&task_type=fix",
        f"executions/run%252F1/?project={project.slug}",
    ]


@pytest.mark.parametrize(
    "said",
    [
        {"warns": False, "p_exceed": 0.39},
        {**AHEAD, "is_asked": False},
        {**AHEAD, "ended_at": NOON},
        {**AHEAD, "asked_at": NOON - 7 * HOUR},
    ],
    ids=["unlikely", "nobody asked", "over", "long ago"],
)
def test_nobody_is_told_of_a_run_that_needs_no_warning(project: Project, said: dict[str, Any]) -> None:
    channel(project)
    rule(project, "overrun_ahead")
    forecast_of(project, "run-1", at=NOON)
    Forecast.objects.filter(project_id=project.pk).update(**said)
    look(project, at=NOON)
    assert told(project) == []


def test_a_run_that_goes_on_is_told_of_once_and_that_it_has_ended(project: Project) -> None:
    channel(project)
    rule(project, "overrun_going")
    forecast_of(project, "run-1", at=NOON - HOUR, is_asked=False, **GOING)
    look(project, at=NOON)
    look(project, at=NOON + MINUTE)
    Forecast.objects.filter(project_id=project.pk).update(ended_at=NOON + 2 * MINUTE)
    look(project, at=NOON + 2 * MINUTE)
    says = "fix is about to exceed the budget of this task"
    assert told(project) == [("firing", says), ("resolved", f"Resolved: {says}")]
    ((name, why),) = facts(project)
    unit = "tokens weighted by price"
    assert name == "run-1"
    assert why == f"31,000 {unit} after 7 calls, expected to come to 64,000 {unit}; the budget is 50,000 {unit}."


def test_fifty_runs_of_a_task_are_one_message_and_another_agents_are_another(project: Project) -> None:
    channel(project)
    rule(project, "overrun_going", period="hour")
    for number in range(50):
        forecast_of(project, f"run-{number}", at=NOON, **GOING)
    forecast_of(project, "other", at=NOON, agent="reviewer", budget_period="session", **GOING)
    look(project, at=NOON)
    look(project, at=NOON + 30 * MINUTE)
    assert sorted(told(project)) == [
        ("firing", "50 runs of fix are about to exceed a budget"),
        ("firing", "fix is about to exceed the budget of its session"),
    ]


def test_the_next_day_has_its_own_message(project: Project) -> None:
    channel(project)
    rule(project, "overrun_going")
    for day in range(2):
        forecast_of(project, f"run-{day}", at=NOON + day * DAY, **{**GOING, "overrun_at": NOON + day * DAY})
        look(project, at=NOON + day * DAY)
    assert [event for event, _ in told(project)] == ["firing", "firing"]


def test_a_budget_in_dollars_is_told_in_dollars_and_hostile_names_in_one_line(project: Project) -> None:
    channel(project)
    rule(project, "overrun_ahead")
    money = {"budget_counts": "usd", "budget_limit": 12_500_000_000, "budget_spent": 2_000_000_000}
    forecast_of(project, "=cmd()\r\nBcc: x", at=NOON, task_type="<script>\n" + "x" * 4_000, **AHEAD, **money)
    look(project, at=NOON)
    ((_, headline),) = told(project)
    assert headline.startswith("<script> xxx")
    assert len(headline) < 200
    ((name, why),) = facts(project)
    assert name == "=cmd() Bcc: x"
    assert "the budget of $12.50, $2.00 spent before; from" in why


def test_who_finds_an_overrun_has_the_rules_looked_at_next(project: Project) -> None:
    for kind in ("overrun_ahead", "overrun_going", "agent_silent"):
        rule(project, kind, at=NOON + HOUR)
    after_forecasting(connection(), project_id=project.pk, now=NOON)
    due = AlertRule.objects.filter(project=project, look_at__lte=NOON).values_list("kind", flat=True)
    assert sorted(due) == ["overrun_ahead", "overrun_going"]
