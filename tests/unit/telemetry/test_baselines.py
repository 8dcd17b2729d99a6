"""What is unusual about a day, and what only seems so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from telemetry.outlook.baselines import judge
from telemetry.outlook.verdicts import DaySum, Verdict
from tests.made_days import about, day_of, night, nights, some

TODAY = 30


def history(runs: int = 10, *, days: int = TODAY, tokens: float = 100_000) -> list[DaySum]:
    return [some(number, runs, tokens) for number in range(days)]


def intensity(found: list[Verdict], agent: str = "a") -> Verdict:
    return about(found, "agent", agent, "intensity")


def volume(found: list[Verdict], agent: str = "a") -> Verdict:
    return about(found, "agent", agent, "volume")


def test_runs_that_take_three_times_as_much_are_told_with_what_that_cost() -> None:
    found = intensity(night([*history(), some(TODAY, 10, 300_000)], TODAY))
    assert found.is_alert
    assert found.effect is not None
    assert found.baseline is not None
    assert found.effect == pytest.approx(3, rel=0.3)
    assert found.at_stake_nanousd == pytest.approx(found.cost_nanousd * (1 - 1 / found.effect))
    assert found.value == pytest.approx(found.baseline * found.effect)


def test_a_day_as_any_other_is_not() -> None:
    assert not any(one.is_flagged for one in night([*history(), some(TODAY, 10, 100_000)], TODAY))


def test_one_run_proves_less_than_twenty() -> None:
    alone = intensity(night([*history(), some(TODAY, 1, 250_000, spread=0)], TODAY))
    many = intensity(night([*history(), some(TODAY, 20, 250_000, spread=0)], TODAY))
    assert alone.effect == pytest.approx(many.effect, rel=0.01)
    assert many.is_alert
    assert not alone.is_flagged


def test_nothing_is_said_of_a_series_in_its_first_eight_days() -> None:
    sums = [some(number, 10, 100_000 * (1 + 9 * (number in (5, 7, 8)))) for number in range(9)]
    said = list(nights(sums, first=0, last=8))
    assert {one.state for found in said[:8] for one in found} == {"learning"}
    assert all(one.baseline is None for found in said[:8] for one in found)
    assert "learning" not in {one.state for one in said[8]}


def test_nothing_is_said_of_a_series_of_fewer_than_twenty_runs() -> None:
    few = [some(number, 1, 100_000) for number in range(11, TODAY)]
    assert intensity(night([*few, some(TODAY, 5, 900_000)], TODAY)).state == "learning"
    more = [some(number, 1, 100_000) for number in range(10, TODAY)]
    assert intensity(night([*more, some(TODAY, 5, 900_000)], TODAY)).state == "flagged"


def test_more_of_the_large_tasks_are_no_larger_tasks() -> None:
    """The mean of all runs grows four times, and none of them."""
    kinds = {"small": 20_000, "large": 200_000}
    sums = [some(n, 10 if kind == "small" else 2, kinds[kind], task_type=kind) for n in range(TODAY) for kind in kinds]
    today = [some(TODAY, 2, kinds["small"], task_type="small"), some(TODAY, 10, kinds["large"], task_type="large")]
    found = night([*sums, *today], TODAY)
    assert not intensity(found).is_flagged
    assert intensity(found).effect == pytest.approx(1, rel=0.3)
    merged = [replace(row, task_type="t") for row in [*sums, *today]]  # the control: nobody says what they are
    assert intensity(night(merged, TODAY)).is_flagged


def test_a_task_type_that_is_new_is_compared_with_nothing() -> None:
    sums = [*history(), some(TODAY, 10, 100_000), some(TODAY, 10, 2_000_000, task_type="new")]
    assert not intensity(night(sums, TODAY)).is_flagged


def test_three_times_the_runs_are_told_as_volume_and_not_as_intensity() -> None:
    found = night([*history(), some(TODAY, 30, 100_000)], TODAY)
    assert volume(found).is_alert
    assert not intensity(found).is_flagged


def test_a_weekend_is_compared_with_weekends() -> None:
    """Day 33 is a Saturday, of which there are as many runs as of a Wednesday."""
    sums = [some(n, 30 if day_of(n).weekday() < 5 else 3, 100_000) for n in range(33)]
    quiet, busy = (volume(night([*sums, some(33, runs, 100_000)], 33)) for runs in (3, 30))
    assert not quiet.is_flagged
    assert busy.is_alert
    assert busy.baseline == pytest.approx(3, abs=2.5)


def test_before_three_weeks_are_over_weekends_are_already_told_from_weekdays() -> None:
    sums = [some(n, 30 if day_of(n).weekday() < 5 else 3, 100_000) for n in range(20)]
    friday, saturday = (volume(night([row for row in sums if row.day <= day_of(n)], n)) for n in (18, 19))
    assert friday.baseline == pytest.approx(30, rel=0.15)
    assert saturday.baseline is not None
    assert 3 <= saturday.baseline < 8  # four days of eighteen: with caution


def test_after_three_weeks_each_day_of_the_week_has_a_volume_of_its_own() -> None:
    sums = [some(n, 40 if day_of(n).weekday() == 2 else 10, 100_000) for n in range(35)]
    wednesday = volume(night([*sums[:30], some(30, 40, 100_000)], 30))
    assert wednesday.baseline is not None
    assert wednesday.baseline > 25
    assert not wednesday.is_flagged


def test_what_costs_less_than_the_floor_is_not_told() -> None:
    cheap = [replace(row, cost_nanousd=row.cost_nanousd // 100) for row in [*history(), some(TODAY, 10, 300_000)]]
    assert not intensity(night(cheap, TODAY)).is_flagged
    unpriced = [replace(row, cost_nanousd=0, unpriced_calls=1) for row in cheap]
    assert intensity(night(unpriced, TODAY)).is_alert


def test_a_smaller_shift_is_told_once_it_has_lasted_two_of_three_days() -> None:
    sums = [some(n, 12, 100_000 * (1.45 if n >= TODAY else 1), spread=0.3) for n in range(TODAY + 3)]
    said = [intensity(found) for found in nights(sums, first=9, last=TODAY + 2)]
    assert not any(one.is_flagged for one in said[:-3])
    assert [one.is_flagged for one in said[-3:-1]] == [False, True]
    assert said[-2].is_shift
    assert said[-2].is_alert


def test_the_first_day_of_a_shift_is_left_out_once_the_second_has_shown_it() -> None:
    sums = [some(n, 12, 100_000 * (1.45 if n in (TODAY, TODAY + 1) else 1), spread=0.3) for n in range(TODAY + 3)]
    said = [intensity(found) for found in nights(sums, first=9, last=TODAY + 2)]
    assert [one.is_flagged for one in said[-3:]] == [False, True, False]
    assert said[-1].baseline_days == 28


def test_what_comes_back_for_three_days_of_ten_is_seen_each_time() -> None:
    """Its own first days would be what is usual by then."""
    days = 86
    grown = {n for n in range(TODAY, days) if n % 10 < 3}
    sums = [some(n, 30, 100_000 * (1.4 if n in grown else 1)) for n in range(days)]
    flagged = {
        9 + place for place, found in enumerate(nights(sums, first=9, last=days - 1)) if intensity(found).is_flagged
    }
    starts = [n for n in sorted(grown) if n - 1 not in grown]
    assert [bool(flagged & set(range(start, start + 3))) for start in starts] == [True] * len(starts)
    assert flagged <= grown


def test_a_day_whose_own_runs_are_far_apart_proves_less() -> None:
    """All of its runs take twice as much, or one of them a hundred times as much."""
    usual = 8
    grown = some(TODAY, usual, 200_000)
    rest, monster = some(TODAY, usual - 1, 100_000), some(TODAY, 1, 25_000_000, spread=0)
    said = [intensity(night([*history(usual), *rows], TODAY)) for rows in ([grown], [rest, monster])]
    assert said[0].effect == pytest.approx(said[1].effect, rel=0.15)
    assert [one.is_flagged for one in said] == [True, False]


def test_what_lasts_is_told_once_and_becomes_what_is_usual() -> None:
    sums = [some(n, 12, 100_000 * (3 if n >= TODAY else 1)) for n in range(TODAY + 20)]
    said = {one.day: one for found in nights(sums, first=9, last=TODAY + 19) for one in [intensity(found)]}
    after = [said[day_of(TODAY + n)] for n in range(20)]
    assert [one.is_alert for one in after] == [True] + [False] * 19
    assert [one.state for one in after] == ["flagged"] * 5 + ["learning"] * 3 + ["usual"] * 12
    assert after[-1].baseline == pytest.approx(300_000, rel=0.2)


def test_a_day_that_was_unusual_is_left_out_of_what_is_usual() -> None:
    sums = [some(n, 12, 100_000 * (8 if n == TODAY else 1)) for n in range(TODAY + 2)]
    said = [intensity(found) for found in nights(sums, first=9, last=TODAY + 1)]
    assert said[-2].is_flagged
    assert said[-1].baseline_days == 29
    assert said[-1].baseline == pytest.approx(100_000, rel=0.1)


def test_one_cause_is_told_once_of_the_agent_whose_runs_grew() -> None:
    sums = [some(n, 10, 100_000, agent=agent) for n in range(TODAY) for agent in "abc"]
    today = [some(TODAY, 10, 100_000 * (5 if agent == "b" else 1), agent=agent) for agent in "abc"]
    found = night([*sums, *today], TODAY)
    assert [(one.dimension, one.name) for one in found if one.is_alert] == [("agent", "b")]
    flagged = [one for one in found if one.is_flagged and one.dimension != "agent"]
    assert flagged
    assert {(one.root_dimension, one.root_name) for one in flagged} == {("agent", "b")}


def test_what_one_cause_makes_unusual_in_four_dimensions_lets_no_other_agent_pass() -> None:
    agents = "abcde"
    sums = [some(n, 10, 100_000, agent=agent) for n in range(TODAY) for agent in agents]
    today = [some(TODAY, 10, 100_000 * {"b": 5, "c": 1.5}.get(agent, 1), agent=agent) for agent in agents]
    said = [one for one in night([*sums, *today], TODAY) if one.p is not None]
    other = intensity(said, "c")
    assert other.p is not None
    assert sum(one.p < other.p for one in said if one.p and one.effect and one.effect > 1) == 4  # b, and what holds it
    assert other.q == pytest.approx(other.p * len(said) / 2)  # the second of agents, not the fifth of all


def test_one_cause_is_told_once_of_the_task_type_that_grew_for_all_agents() -> None:
    kinds = ("s", "t")
    sums = [some(n, 8, 100_000, agent=a, task_type=k) for n in range(TODAY) for a in "abcd" for k in kinds]
    today = [some(TODAY, 8, 100_000 * (4 if k == "t" else 1), agent=a, task_type=k) for a in "abcd" for k in kinds]
    found = night([*sums, *today], TODAY)
    assert [(one.dimension, one.name) for one in found if one.is_alert] == [("task_type", "t")]


def test_what_falls_is_flagged_and_told_to_nobody() -> None:
    found = volume(night([*history(20), some(TODAY, 1, 100_000)], TODAY))
    assert found.is_flagged
    assert not found.is_alert
    assert found.at_stake_nanousd < 0


def test_a_series_without_a_run_today_lacks_what_it_usually_costs() -> None:
    found = volume(night([*history(20), some(TODAY, 20, 100_000, agent="b")], TODAY))
    assert (found.runs, found.is_flagged, found.is_alert) == (0, True, False)
    assert found.at_stake_nanousd == pytest.approx(-20 * 100_000 * 3_000, rel=0.3)


def test_of_a_day_that_goes_on_the_volume_is_not_judged() -> None:
    sums = [*history(20), some(TODAY, 1, 100_000)]
    found = volume(judge(sums, day=day_of(TODAY), history={}, is_over=False))
    assert (found.state, found.q) == ("usual", None)


def test_a_rise_over_the_month_has_a_slope_and_none_has_none() -> None:
    rising = [some(n, 12, 100_000 * 1.02**n) for n in range(TODAY + 1)]
    found = intensity(night(rising, TODAY))
    assert found.slope == pytest.approx(0.02, abs=0.008)
    assert found.slope_p is not None
    assert found.slope_p < 0.01
    level = intensity(night([*history(), some(TODAY, 12, 100_000)], TODAY))
    assert level.slope_p is not None
    assert level.slope_p > 0.05


def test_the_same_sums_in_another_order_say_the_same() -> None:
    sums = [*history(), some(TODAY, 10, 300_000), *(some(n, 5, 50_000, agent="b") for n in range(TODAY + 1))]
    assert night(sums, TODAY) == night(sums[::-1], TODAY)
