"""A day's sums are those of its runs, cut at the project's midnight, and outlive them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from telemetry.database import connection
from telemetry.models import Run, RunDay, TrendDay
from telemetry.outlook import day_sums
from telemetry.outlook.verdicts import DaySum
from tests.ledger_reading import new_tenant

pytestmark = pytest.mark.usefixtures("database")
MADRID = ZoneInfo("Europe/Madrid")
DAY = date(2026, 11, 18)


def run(tenant: int, key: str, at: datetime, *, tokens: int, cost: int = 0, agent: str = "a") -> None:
    Run.objects.create(
        project_id=tenant,
        execution_id=key,
        started_at=at,
        agent=agent,
        task_type="t",
        model="m",
        input_uncached=tokens,
        cost_nanousd=cost,
        calls=1,
    )


def keep(tenant: int, day: date = DAY) -> None:
    with connection().transaction():
        day_sums.keep(connection(), project_id=tenant, day=day, tz=MADRID)
    TrendDay.objects.create(project_id=tenant, day=day, zone="Europe/Madrid", judged_at=datetime.now(UTC))


def read(tenant: int, first: date = DAY, last: date = DAY) -> list[DaySum]:
    return day_sums.read(connection(), project_id=tenant, first=first, last=last, tz=MADRID)


def test_a_days_runs_are_summed_with_the_logarithms_of_their_tokens() -> None:
    tenant = new_tenant()
    for number, tokens in enumerate((100, 400, 0)):
        run(tenant, f"r{number}", datetime(2026, 11, 18, 9, tzinfo=UTC), tokens=tokens, cost=7)
    run(tenant, "meter:1", datetime(2026, 11, 18, 9, tzinfo=UTC), tokens=9)
    (found,) = read(tenant)
    assert (found.runs, found.measured, found.tokens, found.cost_nanousd) == (3, 2, 500, 21)
    assert found.log_sum == pytest.approx(math.log(100) + math.log(400))
    assert found.log_squares == pytest.approx(math.log(100) ** 2 + math.log(400) ** 2)


def test_a_run_lies_in_the_local_day_in_which_it_began() -> None:
    tenant = new_tenant()
    run(tenant, "before", datetime(2026, 11, 17, 22, 59, tzinfo=UTC), tokens=1)
    run(tenant, "within", datetime(2026, 11, 17, 23, 0, tzinfo=UTC), tokens=10)
    run(tenant, "after", datetime(2026, 11, 18, 23, 0, tzinfo=UTC), tokens=100)
    assert [(row.day.day, row.tokens) for row in read(tenant, date(2026, 11, 17), date(2026, 11, 19))] == [
        (17, 1),
        (18, 10),
        (19, 100),
    ]


def test_kept_sums_outlive_their_runs_and_are_replaced_when_kept_again() -> None:
    tenant, at = new_tenant(), datetime(2026, 11, 18, 9, tzinfo=UTC)
    run(tenant, "one", at, tokens=10)
    keep(tenant)
    run(tenant, "two", at, tokens=10)
    assert [row.tokens for row in read(tenant)] == [10]
    with connection().transaction():
        day_sums.keep(connection(), project_id=tenant, day=DAY, tz=MADRID)
    Run.objects.filter(project_id=tenant).delete()
    assert [row.tokens for row in read(tenant)] == [20]
    assert RunDay.objects.filter(project_id=tenant).count() == 1


def test_whatever_agents_are_called_a_day_has_no_more_than_so_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_sums, "MOST_CELLS", 2)
    tenant = new_tenant()
    for number in range(5):
        run(tenant, str(number), datetime(2026, 11, 18, 9, tzinfo=UTC), tokens=10 + number, agent=f"agent-{number}")
    assert {row.agent: (row.runs, row.tokens) for row in read(tenant)} == {
        "agent-4": (1, 14),
        "agent-3": (1, 13),
        "": (3, 33),
    }
