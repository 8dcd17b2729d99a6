"""How much of what the days of a week show is believed."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from random import Random

import pytest

from telemetry.outlook.weekdays import Week, differences, shares_of, week_of

BETWEEN = 0.06
DAYS = range(30)
WEEKDAYS = [n % 7 for n in DAYS]


def week(dice: Random, usual: Callable[[int], float]) -> Week:
    """Thirty days of a series with so many runs each day of the week."""
    runs = [round(usual(day) * dice.gammavariate(1 / BETWEEN, BETWEEN)) for day in WEEKDAYS]
    return week_of(runs, WEEKDAYS, DAYS)


def even(day: int) -> float:
    return 300.0


def on_wednesday(day: int) -> float:
    return 450.0 if day == 2 else 300.0


def test_days_of_the_week_that_differ_by_chance_are_not_believed() -> None:
    dice = Random(1)
    weeks = [week(dice, even) for _ in range(20)]
    found = differences(weeks, BETWEEN)
    shares = [shares_of(one, found, BETWEEN)[0][2] for one in weeks]
    assert max(abs(one - 1) for one in shares) < 0.08
    assert found.weekend == pytest.approx(0, abs=0.1)


def test_days_of_the_week_that_differ_in_all_series_are() -> None:
    dice = Random(2)
    weeks = [week(dice, on_wednesday) for _ in range(20)]
    shares = [shares_of(one, differences(weeks, BETWEEN), BETWEEN)[0] for one in weeks]
    assert sum(one[2] / one[1] for one in shares) / 20 > 1.15


def test_a_weekend_of_which_little_is_known_is_as_those_of_other_series() -> None:
    dice = Random(3)
    weeks = [week(dice, lambda day: 100.0 if day > 4 else 300.0) for _ in range(20)]
    new = week_of([300] * 4, [0, 1, 2, 3], range(4))
    shares, unsure = shares_of(new, differences([*weeks, new], BETWEEN), BETWEEN)
    assert shares[5] == pytest.approx(1 / 3, rel=0.15)
    assert unsure[5] > 0 == unsure[0]
    alone, _ = shares_of(new, differences([new], BETWEEN), BETWEEN)
    assert alone[5] == exp(0)


def test_before_three_weeks_are_over_days_of_the_week_are_not_told_apart() -> None:
    runs = [40 if day == 2 else 10 for day in WEEKDAYS]
    weeks = [week_of(runs, WEEKDAYS, range(days)) for days in (20, 21)]
    shares = [shares_of(one, differences([one], BETWEEN), BETWEEN)[0] for one in weeks]
    assert shares[0][2] == shares[0][1]
    assert shares[1][2] > 2 * shares[1][1]
