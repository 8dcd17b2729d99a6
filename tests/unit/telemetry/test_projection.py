"""What a period will come to and when a budget is used up: known answers, and what must hold whatever the days were."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.limits.projection import LEARNT, Past, left_of_day, project, quantile, share_below

MONDAY = date(2026, 3, 2)
AMOUNTS = st.lists(st.integers(0, 10**15), min_size=LEARNT, max_size=60)


def test_with_fewer_than_seven_days_nothing_is_projected() -> None:
    assert project(Past([5] * 6, MONDAY), used=9, left_today=1, last_day=MONDAY, limit=10) is None
    assert project(Past([5] * 7, MONDAY), used=9, left_today=1, last_day=MONDAY, limit=10) is not None


def test_days_that_are_all_alike_go_on_so_and_the_interval_is_that_of_the_drift() -> None:
    found = project(Past([100] * 28, MONDAY), used=0, left_today=1, last_day=MONDAY + timedelta(days=9), limit=550)
    assert found is not None
    assert found.exhaustion is not None
    assert found.total.middle == pytest.approx(1_000, rel=0.02)
    assert 600 < found.total.low < found.total.middle < found.total.high < 1_500
    assert found.exhaustion.likely == MONDAY + timedelta(days=5)
    assert found.exhaustion.earliest is not None
    assert MONDAY < found.exhaustion.earliest <= found.exhaustion.likely
    assert found.exhaustion.probability > 0.95


def test_weekends_are_told_from_weekdays() -> None:
    week = [100, 100, 100, 100, 100, 10, 10]
    past = Past(week * 4, MONDAY)
    workdays = project(past, used=0, left_today=1, last_day=MONDAY + timedelta(days=4), limit=None)
    whole = project(past, used=0, left_today=1, last_day=MONDAY + timedelta(days=6), limit=None)
    assert workdays is not None
    assert whole is not None
    assert whole.total.middle - workdays.total.middle == pytest.approx(20, abs=4)


def test_what_is_used_already_is_certain_and_today_counts_for_what_is_left_of_it() -> None:
    past = Past([100, 100, 100, 100, 100, 100, 100] * 2, MONDAY)
    half = project(past, used=1_000, left_today=0.5, last_day=MONDAY, limit=2_000)
    over = project(past, used=1_000, left_today=0.0, last_day=MONDAY, limit=1_000)
    assert half is not None
    assert over is not None
    assert half.total.middle == pytest.approx(1_050, abs=3)
    assert half.exhaustion is not None
    assert (half.exhaustion.likely, round(half.exhaustion.probability, 6)) == (None, 0)
    assert (over.total.low, over.total.high) == (1_000, 1_000)
    assert over.exhaustion is not None
    assert over.exhaustion.probability == 0


def test_a_budget_that_is_passed_was_used_up_by_today() -> None:
    found = project(Past([5] * 9, MONDAY), used=11, left_today=1, last_day=MONDAY + timedelta(days=3), limit=10)
    assert found is not None
    assert found.exhaustion is not None
    ends = found.exhaustion
    assert (ends.earliest, ends.likely, ends.latest, ends.probability) == (MONDAY, MONDAY, MONDAY, 1.0)


@settings(deadline=None)
@given(
    amounts=AMOUNTS,
    used=st.integers(0, 10**15),
    left=st.floats(0, 1),
    ahead=st.integers(0, 40),
    limit=st.integers(1, 10**16),
    today=st.dates(date(2024, 1, 1), date(2030, 1, 1)),
)
def test_whatever_the_days_were_the_answer_is_in_order(
    amounts: list[int], used: int, left: float, ahead: int, limit: int, today: date
) -> None:
    found = project(
        Past(amounts, today), used=used, left_today=left, last_day=today + timedelta(days=ahead), limit=limit
    )
    assert found is not None
    assert used <= found.total.low <= found.total.middle <= found.total.high
    ends = found.exhaustion
    assert ends is not None
    assert 0 <= ends.probability <= 1
    days = [day for day in (ends.earliest, ends.likely, ends.latest) if day]
    assert days == sorted(days)
    assert all(today <= day <= today + timedelta(days=ahead) for day in days)
    assert (ends.likely is not None) == (ends.probability >= 0.5)


@settings(deadline=None)
@given(mean=st.floats(1, 1e12), cv=st.floats(0.01, 3), z=st.floats(-3, 3))
def test_a_quantile_is_where_that_share_lies_below(mean: float, cv: float, z: float) -> None:
    variance = (cv * mean) ** 2
    share = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    assert share_below(quantile(mean, variance, z), mean, variance) == pytest.approx(share, abs=1e-6)


def test_the_hours_at_which_work_was_done_say_what_is_left_of_a_day() -> None:
    office = [10 if 9 <= hour < 17 else 0 for hour in range(24)]
    assert left_of_day(office, elapsed=8 / 24) == 1
    assert left_of_day(office, elapsed=13 / 24) == pytest.approx(0.5)
    assert left_of_day(office, elapsed=20 / 24) == 0
    assert left_of_day([0] * 24, elapsed=0.25) == pytest.approx(0.75)
    assert left_of_day(office, elapsed=1.0) == 0
