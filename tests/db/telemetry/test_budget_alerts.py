"""Who is told that a budget is nearly used up, and that it is: once each, with what to do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from telemetry import facade
from telemetry.contracts import Call
from telemetry.models import AlertDelivery, Budget, Project
from tests.alerting import NOON, channel, look, rule, told
from tests.ledger_reading import added_up

MINUTE = timedelta(minutes=1)


def grant(project: Project, **changes: Any) -> None:
    fields = {"scope": "agent", "period": "week", "counts": "gross", "mode": "enforce", "amount": Decimal(1_000)}
    Budget.objects.create(project=project, **{**fields, **changes})


def used(project: Project, tokens: int, name: str) -> None:
    call = Call(started_at=NOON, model="m", id=name, agent="builder", session_id="s", input_uncached=tokens)
    facade.record(project_id=project.pk, calls=[call], executions=[], source="test", now=NOON)
    added_up(project.pk)


def test_it_is_told_at_four_fifths_and_at_the_end_each_once_with_what_to_do(project: Project) -> None:
    channel(project)
    rule(project, "budget")
    grant(project)
    used(project, 799, "c-1")
    look(project, at=NOON)
    assert told(project) == []
    used(project, 1, "c-2")
    for later in (1, 2):
        look(project, at=NOON + later * MINUTE)
    used(project, 200, "c-3")
    for later in (3, 4):
        look(project, at=NOON + later * MINUTE)
    nearly, quite = (f"The budget of the agent builder this week is {how}" for how in ("80 % used", "used up"))
    assert told(project) == [("firing", nearly), ("firing", quite)]
    first, last = (row.message for row in AlertDelivery.objects.filter(project=project).order_by("pk"))
    assert [one["value"] for one in first["facts"]] == [
        "800 tokens of 1,000 tokens",
        "enforce",
        "Leave what can wait until the next week, or use a lower tier. Once nothing is left, calls are refused.",
    ]
    assert last["facts"][2]["value"] == "Wait for the next week, or ask for more."
    assert first["links"][0]["url"].endswith(f"/budgets/?project={project.slug}&range=30d&agent=builder")


def test_of_sessions_the_fullest_that_goes_on_is_told_of_until_it_does_not(project: Project) -> None:
    channel(project)
    rule(project, "budget")
    grant(project, scope="session", period="session", mode="warn")
    used(project, 900, "c-1")
    look(project, at=NOON + MINUTE)
    look(project, at=NOON + 30 * MINUTE)
    says = "The budget of the session s is 90 % used"
    assert told(project) == [("firing", says), ("resolved", f"Resolved: {says}")]


@pytest.mark.parametrize("changes", [{"mode": "shadow"}, {"is_enabled": False}, {"period": "run"}], ids=str)
def test_nobody_is_told_of_one_that_is_a_reason_for_nothing(project: Project, changes: dict[str, Any]) -> None:
    channel(project)
    rule(project, "budget")
    grant(project, **changes)
    used(project, 5_000, "c-1")
    look(project, at=NOON + MINUTE)
    assert told(project) == []
