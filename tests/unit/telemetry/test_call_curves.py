"""Curves of calls are figures that plotly.py accepts, and say what their tables say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import plotly.graph_objects as go
import pytest

from telemetry.dashboards import callcurves
from telemetry.dashboards.pagestate import PageState
from telemetry.series.run_rows import Point
from telemetry.series.window import by_preset

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
WINDOW = by_preset("7d", zone="UTC", now=NOW)
STATE = PageState(path="/", said=(), window=WINDOW, previous=None, filters={}, metric="tokens", now=NOW)


def point(number: int, context: int, spent: int = 0, *, sub: bool = False, calls: int = 1) -> Point:
    return Point(number, NOW + timedelta(seconds=number), sub, calls, context, spent)


POINTS = [point(1, 100, 10**9), point(2, 900, 2 * 10**9, sub=True), point(3, 300, 4 * 10**9), point(4, 50, 4 * 10**9)]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 500])
@pytest.mark.parametrize("is_money", [True, False])
def test_every_figure_is_one_that_plotly_knows(count: int, is_money: bool) -> None:
    points = [point(n + 1, n, n, sub=n % 3 == 2) for n in range(count)]
    curves = callcurves.spending(points) if is_money and points else callcurves.contexts(points)
    go.Figure(callcurves.figure(curves, is_money=is_money))


def test_main_conversation_and_sub_agents_are_apart() -> None:
    main, subagents = callcurves.contexts(POINTS)
    assert (main.numbers, main.values, main.dots) == ((1, 3, 4), (100, 300, 50), False)
    assert (subagents.numbers, subagents.values, subagents.dots) == ((2,), (900,), True)
    assert callcurves.contexts(POINTS[:1])[0].name == callcurves.MAIN


def test_the_cost_so_far_never_falls() -> None:
    falling = [point(1, 1, 5), point(2, 1, 3), point(3, 1, 9)]
    assert callcurves.spending(falling)[0].values == (5, 5, 9)


def test_table_and_figure_hold_the_same_numbers() -> None:
    figure = callcurves.figure(callcurves.contexts(POINTS), is_money=False)
    drawn = sorted((x, y) for trace in figure["data"] for x, y in zip(trace["x"], trace["y"], strict=True))
    table = callcurves.context_table(POINTS, STATE)
    assert drawn == sorted((int(row.cells[0].value), int(row.cells[3].value)) for row in table.rows)
    money = callcurves.figure(callcurves.spending(POINTS), is_money=True)["data"][0]["y"]
    assert money == [float(row.cells[2].value) for row in callcurves.spending_table(POINTS, STATE).rows]


def test_a_sentence_says_what_the_curves_show() -> None:
    assert callcurves.context_summary(POINTS) == (
        "Main conversation: 100 tokens at call 1, most 300 at call 3, 50 at the end; "
        "Sub-agents: 900 tokens at call 2, most 900 at call 2, 900 at the end."
    )
    assert callcurves.spending_summary(POINTS, 2) == (
        "$4.00 after 4 calls, half of it by call 2, without 2 whose price is not known."
    )
    many = [point(1, 5, calls=40), point(90, 9, calls=50)]
    assert callcurves.context_summary(many).endswith("Each point is the largest of up to 50 calls in a row.")


@pytest.mark.parametrize(
    ("last", "ticks"), [(1, [1]), (5, [1, 2, 3, 4, 5]), (40, [1, 10, 20, 30, 40]), (487, [1, 100, 200, 300, 400, 487])]
)
def test_ticks_are_round_and_end_with_the_last_call(last: int, ticks: list[int]) -> None:
    axis = callcurves.figure(callcurves.contexts([point(last, 1)]), is_money=False)["layout"]["xaxis"]
    assert axis["tickvals"] == ticks
