"""How budgets stand: what is used in the period that runs, what is to come, how many runs and sessions went beyond."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from telemetry import facade
from telemetry.access.projects import ensure_project
from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.limits import budgets, standing
from telemetry.limits.granted import holding
from telemetry.limits.standing import Standing
from telemetry.models import Budget, Project
from tests.ledger_reading import added_up

NOW = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)  # a Wednesday
ZONE = "Asia/Tokyo"  # where it is 23:30


@pytest.fixture
def tokyo(database: None) -> Project:
    """A project in a zone whose day is nearly over."""
    return ensure_project(slug=f"t{random.getrandbits(48):x}", time_zone=ZONE)


def grant(project: Project, scope: str, subject: str = "", **fields: Any) -> Budget:
    """A budget that a person wrote."""
    written = {"period": "month", "amount": Decimal(1_000), "counts": "gross", **fields}
    return Budget.objects.create(project=project, scope=scope, subject=subject, **written)


def record(project: Project, calls: Sequence[Call], executions: Sequence[Execution] = ()) -> None:
    """Send and add up."""
    facade.record(project_id=project.pk, calls=calls, executions=executions, source="test", now=NOW)
    added_up(project.pk)
    facade.check_runs(now=NOW + timedelta(minutes=20))


def call(at: datetime, tokens: int, **fields: Any) -> Call:
    """A call of so many tokens."""
    return Call(started_at=at, model="house-llama", input_uncached=tokens, **fields)


def look(project: Project) -> list[Standing]:
    """How the project's own budgets stand."""
    found = standing.outlook(connection(), project_id=project.pk, zone=project.time_zone, now=NOW)
    return [one for one in found.budgets if one.budget.is_own]


def test_a_day_a_week_and_a_month_are_those_of_the_project_s_zone(tokyo: Project) -> None:
    for period in ("day", "week", "month"):
        grant(tokyo, "project", period=period)
    local = (datetime(2026, 3, 17, 15, 5, tzinfo=UTC), datetime(2026, 3, 15, 15, 5, tzinfo=UTC))
    before = (datetime(2026, 3, 15, 14, 55, tzinfo=UTC), datetime(2026, 2, 28, 14, 55, tzinfo=UTC))
    record(tokyo, [call(at, 10**place) for place, at in enumerate((*local, *before))])
    found = {one.budget.period: (one.used, one.first_day, one.last_day) for one in look(tokyo)}
    assert found == {
        "day": (1, date(2026, 3, 18), date(2026, 3, 18)),
        "week": (11, date(2026, 3, 16), date(2026, 3, 22)),
        "month": (111, date(2026, 3, 1), date(2026, 3, 31)),
    }


def test_a_budget_for_each_has_a_row_for_each_that_has_none_of_its_own(tokyo: Project) -> None:
    grant(tokyo, "agent")
    grant(tokyo, "agent", "builder", amount=Decimal(50))
    grant(tokyo, "agent", "away", amount=Decimal(70))
    at = NOW - timedelta(hours=1)
    record(tokyo, [call(at, 40, agent="builder"), call(at, 30, agent="tester"), call(at, 900, agent="")])
    found = [(one.subject, one.budget.limit, one.used) for one in look(tokyo)]
    assert found == [("builder", 50, 40), ("tester", 1_000, 30), ("away", 70, 0)]


def test_what_is_to_come_follows_from_the_days_before(tokyo: Project) -> None:
    grant(tokyo, "agent", "builder", amount=Decimal(2_600))
    grant(tokyo, "agent", "new", amount=Decimal(2_600))
    days = [call(NOW - timedelta(days=back, hours=3), 100, agent="builder") for back in range(30)]
    record(tokyo, [*days, call(NOW - timedelta(days=2), 100, agent="new")])
    by_name = {one.subject: one for one in look(tokyo)}
    assert by_name["new"].projection is None
    found = by_name["builder"].projection
    assert found is not None
    assert found.exhaustion is not None
    assert by_name["builder"].used == 1_800
    assert found.total.middle == pytest.approx(3_100, rel=0.05)
    assert found.exhaustion.likely == date(2026, 3, 27)


def test_the_month_s_cost_says_which_calls_are_in_no_figure(tokyo: Project) -> None:
    priced = Call(started_at=NOW, model="house", cost_usd=Decimal("1.25"), cost_kind="provider", output=1)
    record(tokyo, [priced, call(NOW, 5)])
    month = standing.outlook(connection(), project_id=tokyo.pk, zone=ZONE, now=NOW).month
    assert (month.used, month.unpriced_calls, month.projection) == (1_250_000_000, 1, None)


def test_an_objective_s_budget_counts_the_runs_that_name_it(tokyo: Project) -> None:
    grant(tokyo, "objective", "Faster checkout", period="week")
    at = NOW - timedelta(hours=2)
    runs = [Execution(started_at=at, execution_id=name, objective="Faster checkout") for name in ("a", "b")]
    record(tokyo, [call(at, 30, execution_id="a"), call(at, 4, execution_id="b"), call(at, 500)], runs)
    (one,) = look(tokyo)
    assert (one.subject, one.used) == ("Faster checkout", 34)


def test_of_sessions_it_is_said_how_many_went_beyond_and_when_the_fullest_will(tokyo: Project) -> None:
    grant(tokyo, "session_type", "chat", period="session")
    long_ago = NOW - timedelta(days=40)
    told: dict[str, Any] = {"session_type": "chat"}
    record(
        tokyo,
        [
            call(NOW - timedelta(minutes=45), 300, session_id="runs", **told),
            call(NOW - timedelta(minutes=5), 300, session_id="runs", **told),
            call(NOW - timedelta(days=3), 1_001, session_id="over", **told),
            call(NOW - timedelta(days=3), 1_000, session_id="just not", **told),
            call(long_ago, 5_000, session_id="old", **told),
            call(NOW, 9_000, session_id="another", session_type="job"),
        ],
    )
    (one,) = look(tokyo)
    assert one.spans is not None
    assert (one.spans.spans, one.spans.over, one.spans.most, one.used) == (3, 1, 1_001, 1_001)
    assert (one.spans.running, one.spans.running_used) == ("runs", 600)
    until = NOW - timedelta(minutes=5) + timedelta(minutes=40) * 400 / 600
    assert one.spans.running_until == pytest.approx(until, abs=timedelta(seconds=2))


def test_of_runs_it_is_said_how_many_went_beyond(tokyo: Project) -> None:
    grant(tokyo, "task_type", "fix", period="run", amount=Decimal(100))
    grant(tokyo, "tier", "4", period="run")
    at = NOW - timedelta(hours=2)
    runs = [Execution(started_at=at, execution_id=name, task_type="fix") for name in "abc"]
    record(tokyo, [call(at, 100 + place, execution_id=name) for place, name in enumerate("abc")], runs)
    (one,) = look(tokyo)
    assert one.spans is not None
    assert (one.budget.scope, one.spans.spans, one.spans.over, one.spans.most) == ("task_type", 3, 2, 102)


def test_the_page_and_a_run_are_told_of_the_same_budgets(tokyo: Project) -> None:
    draw = random.Random(8)
    names = ("", "a", "b", "c")
    shared = [
        Budget.objects.create(scope="task_type", subject=name, period=period, amount=Decimal(n), is_enabled=n % 3 != 0)
        for n, (name, period) in enumerate([("", "day"), ("a", "day"), ("b", "day"), ("a", "week"), ("c", "week")], 1)
    ]
    try:
        for _ in range(12):
            Budget.objects.filter(project=tokyo).delete()
            for name in names:
                for period in ("day", "week"):
                    if draw.random() < 0.35:
                        grant(tokyo, "task_type", name, period=period, is_enabled=draw.random() < 0.7)
            held = holding(standing.budgets_of(connection(), project_id=tokyo.pk))
            for subject in (*names[1:], "d"):
                page = {
                    budget.budget_id
                    for budget, but in held
                    if budget.scope == "task_type" and budget.subject in ("", subject) and subject not in but
                }
                run = budgets.applying(connection(), project_id=tokyo.pk, task_type=subject)
                assert {one.budget_id for one in run} == page
    finally:
        for one in shared:
            one.delete()


def test_a_budget_of_each_session_stands_as_any_other(tokyo: Project) -> None:
    grant(tokyo, "session", period="session")
    grant(tokyo, "session", "large", period="session", amount=Decimal(5_000))
    at = NOW - timedelta(minutes=5)
    record(tokyo, [call(at, 1_200, session_id="small"), call(at, 4_000, session_id="large")])
    found = {one.subject: one.spans for one in look(tokyo)}
    small, large = found[""], found["large"]
    assert small is not None
    assert (small.spans, small.over, small.running) == (1, 1, "small")
    assert large is not None
    assert (large.spans, large.over, large.most) == (1, 0, 4_000)
