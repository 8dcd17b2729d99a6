"""How right forecasts are, as figures: the curve, coverage by day, and the rules that need no model beside them."""

from __future__ import annotations

from datetime import date

import plotly.graph_objects as go
import pytest

from telemetry.dashboards import calibration, forecasttables
from telemetry.outlook import hindsight
from telemetry.outlook.hindsight import DayScores, Scores
from telemetry.series.window import by_days

WEEK = by_days(date(2025, 10, 20), date(2025, 10, 26), zone="Europe/Madrid")  # its last day has 25 hours
UNIFORM = [10] * hindsight.STEPS


def day(number: int, level: str = "agent", **sums: int) -> DayScores:
    return DayScores(day=date(2025, 10, number), level=level, scores=Scores(**sums))


def test_right_forecasts_lie_on_the_diagonal() -> None:
    assert hindsight.curve(UNIFORM) == pytest.approx([place / 20 for place in range(1, 20)])
    assert hindsight.furthest(UNIFORM) == pytest.approx(0)


def test_forecasts_that_are_too_low_are_seen_below_it() -> None:
    too_low = [0] * 10 + [20] * 10
    assert hindsight.curve(too_low)[9] == 0
    assert hindsight.furthest(too_low) == pytest.approx(0.5)
    assert hindsight.furthest(too_low) > hindsight.by_chance(sum(too_low)) > hindsight.furthest(UNIFORM)


def test_of_no_run_there_is_no_curve() -> None:
    assert hindsight.curve([0] * 20) == []
    assert (hindsight.furthest([0] * 20), hindsight.by_chance(0)) == (0.0, 1.0)


def test_figures_are_plotlys_own() -> None:
    days = [day(20, scored=10, within_q90=9), day(23, scored=4, within_q90=1, with_naive=4, within_naive=3)]
    found = calibration.buckets(days, WEEK)
    for figure in (calibration.curve_figure(UNIFORM), calibration.coverage_figure(found)):
        go.Figure(figure)
    ours = calibration.coverage_figure(found)["data"][2]
    assert ours["y"] == [90.0, None, None, 25.0, None, None, None]
    assert ours["customdata"][3] == "25.0% of 4"


def test_days_of_a_zone_fall_into_their_own_bucket_and_weeks_take_seven() -> None:
    days = [day(number, scored=1) for number in range(20, 27)]
    assert [bucket.scores.scored for bucket in calibration.buckets(days, WEEK)] == [1] * 7
    weekly = by_days(date(2025, 10, 20), date(2025, 10, 26), zone="Europe/Madrid", bucket="1w")
    assert [bucket.scores.scored for bucket in calibration.buckets(days, weekly)] == [7]


def test_the_rules_are_counted_against_the_same_runs() -> None:
    whole = Scores(
        judged=100, exceeded=30, warned=25, warned_right=18, naive_warned=40, naive_right=20, going_warned=21,
        going_right=21, going_share=10.5,
    )  # fmt: skip
    rows = [[cell.value for cell in row.cells] for row in forecasttables.rules_table(whole).rows]
    assert [row[1:] for row in rows] == [
        ["25", "18", "12", "72.0", "60.0"],
        ["40", "20", "10", "50.0", "66.7"],
        ["0", "0", "30", "", "0.0"],
        ["21", "21", "9", "100.0", "70.0"],
    ]
    assert "50.0% of it was spent" in forecasttables.rules_table(whole).rows[3].cells[0].note


def test_levels_add_up_to_all() -> None:
    days = [
        day(20, "agent", forecasts=3, scored=2, within_q90=2),
        day(21, "", forecasts=1),
        day(22, "agent", forecasts=1),
    ]
    table = forecasttables.levels_table(days, hindsight.total(one.scores for one in days))
    assert [[cell.value for cell in row.cells][:3] for row in table.rows] == [["agent", "4", "2"], ["none", "1", "0"]]
    assert table.total is not None
    assert [cell.value for cell in table.total.cells][1:5] == ["5", "2", "0.0", "100.0"]
