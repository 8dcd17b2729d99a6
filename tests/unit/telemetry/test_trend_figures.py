"""Bands and steps are figures that plotly.py accepts, and say what their tables and sentences say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import plotly.graph_objects as go
import pytest

from telemetry.dashboards import bands, trendtables, waterfall
from telemetry.dashboards.tables import as_csv
from telemetry.outlook.decomposition import CellChange, Effects, Key, Sums, decompose, together
from telemetry.outlook.verdicts import Verdict

DAY = date(2026, 11, 20)
EVIL = "<script>alert(1)</script> =cmd() " + "x" * 4_000
USUAL = Verdict(
    day=DAY,
    dimension="agent",
    name=EVIL,
    what="intensity",
    state="usual",
    runs=20,
    value=1_010.0,
    level=1_050.0,
    low_7=820.0,
    high_7=1_300.0,
    baseline=1_000.0,
    low_30=800.0,
    high_30=1_250.0,
    effect=1.01,
    slope=-0.012,
    slope_p=0.01,
    cost_nanousd=2_000_000_000,
)
LEARNING = Verdict(day=DAY, dimension="agent", name=EVIL, what="intensity", state="learning", runs=1, value=900.0)
UNUSUAL = replace(
    USUAL, state="flagged", value=3_100.0, effect=3.1, q=0.0002, is_flagged=True, at_stake_nanousd=4_000_000_000
)
BEFORE: dict[Key, Sums] = {("a", "fix", "m"): Sums(300, 3_000_000, 60_000_000_000)}
AFTER: dict[Key, Sums] = {("a", "fix", "m"): Sums(12, 360_000, 7_200_000_000), (EVIL, "t", "n"): Sums(1, 9, 3)}


def course(*verdicts: Verdict, days: int = 31, runs_on: bool = False) -> bands.Course:
    """Days up to DAY, of which the last ones have these verdicts."""
    dated = [replace(one, day=DAY - timedelta(days=len(verdicts) - 1 - n)) for n, one in enumerate(verdicts)]
    return bands.course(dated, days=[DAY - timedelta(days=n) for n in range(days - 1, -1, -1)], runs_on=runs_on)


def test_a_series_has_both_bands_its_days_and_a_sign_where_it_is_unusual() -> None:
    figure = bands.figure(course(LEARNING, USUAL, UNUSUAL))
    go.Figure(figure)
    shown = {trace["name"]: trace for trace in figure["data"] if "name" in trace}
    assert list(shown) == [bands.LONG, bands.SHORT, bands.VALUE, bands.UNUSUAL]
    assert shown[bands.LONG]["y"] == [1_250.0, 1_250.0]
    assert shown[bands.VALUE]["y"] == [900.0, 1_010.0, 3_100.0]
    assert shown[bands.UNUSUAL]["x"] == ["Fri 20 Nov"]


def test_a_day_that_runs_is_an_empty_circle_and_one_without_runs_is_a_gap_in_no_line() -> None:
    silent = replace(USUAL, value=None)
    figure = bands.figure(course(USUAL, silent, USUAL, runs_on=True))
    go.Figure(figure)
    line = next(trace for trace in figure["data"] if trace.get("name") == bands.VALUE)
    assert line["marker"]["symbol"] == ["circle", "circle-open"]
    assert "Thu 19 Nov" not in line["x"]


@pytest.mark.parametrize("verdicts", [(), (LEARNING,), (USUAL,) * 31])
def test_every_course_is_a_figure_that_plotly_knows(verdicts: tuple[Verdict, ...]) -> None:
    go.Figure(bands.figure(course(*verdicts)))


def test_the_sentence_and_the_table_say_what_the_bands_show() -> None:
    of = course(LEARNING, UNUSUAL)
    assert bands.summary(of, "token a run", "tokens a run") == (
        "20 Nov 2026: 3,100 tokens a run, usually 800 to 1,250 by thirty days and 820 to 1,300 by seven."
        " 1 day of 31 unusual."
    )
    rows = bands.table(of).rows
    assert [cell.value for cell in rows[0].cells] == [
        *("2026-11-20", "3100", "1000", "800", "1250", "1050", "820", "1300", "3.1000", "unusual"),
    ]
    assert [cell.value for cell in rows[1].cells][-2:] == ["", "learning"]
    assert [cell.value for cell in rows[2].cells][-1] == "no run"
    assert "still being learnt" in bands.summary(course(LEARNING), "run", "runs")
    assert "20 Nov 2026 so far: no run" in bands.summary(course(runs_on=True), "run", "runs")


def test_steps_begin_where_the_one_before_ended_and_end_at_this_day() -> None:
    whole = CellChange(
        (), Sums(), Sums(), 10_000_000_000, 9_000_000_000, Effects(3_000_000_000, -5_000_000_000, 1, 999_999_999)
    )
    figure = waterfall.figure(whole)
    go.Figure(figure)
    bars = {  # from where to where; one that fell stands upward too
        step: (base + size, base) if words.startswith("\N{MINUS SIGN}") else (base, base + size)
        for trace in figure["data"]
        for step, base, size, words in zip(trace["x"], trace["base"], trace["y"], trace["text"], strict=True)
    }
    assert all(size >= 0 for trace in figure["data"] for size in trace["y"])
    steps = [name for name, _ in waterfall.STEPS]
    assert bars[steps[0]] == (0, 10)
    for before, step in pairwise(steps[:-1]):
        assert bars[step][0] == pytest.approx(bars[before][1])
    assert bars[steps[-1]] == (0, pytest.approx(bars[steps[-2]][1]))
    assert waterfall.summary(whole, days=30, so_far=False) == (
        "$9.00, against $10.00 on a day of the 30 days before: \N{MINUS SIGN}$1.00, of which volume +$3.00,"
        " mix \N{MINUS SIGN}$5.00, tokens a run +<$0.01, price +$1.00."
    )
    assert sum(Decimal(row.cells[1].value) for row in waterfall.table(whole).rows[:-1]) == 9


def test_rows_and_columns_of_a_difference_add_up_on_the_page_and_in_its_csv() -> None:
    found = decompose(BEFORE, AFTER, days_before=30)
    table = trendtables.changes(found.cells, by="agent", address=lambda name: f"?agent={name}", all_rows=False)
    assert table.total is not None
    for row in (*table.rows, table.total):
        before, after, difference, *parts = (Decimal(cell.value) for cell in row.cells[1:])
        assert difference == after - before == sum(parts)
    whole = together((), found.cells)
    assert [cell.value for cell in table.total.cells[1:3]] == ["2", "7.200000003"]
    assert whole.effects.total == 5_200_000_003
    assert EVIL in as_csv(table)
    assert all(len(row.cells[0].text) <= trendtables.MOST_LETTERS for row in table.rows)


def test_what_is_not_shown_of_a_difference_is_one_row() -> None:
    many: dict[Key, Sums] = {(f"agent-{n:02d}", "t", "m"): Sums(1, 10, 10**9 + n) for n in range(25)}
    cells = decompose({}, many).cells
    table = trendtables.changes(cells, by="agent", address=str, all_rows=False)
    assert [row.kind for row in table.rows[-2:]] == ["", "others"]
    assert len(table.rows) == trendtables.MOST_CHANGES + 1
    assert table.shortened
    assert len(trendtables.changes(cells, by="agent", address=str, all_rows=True).rows) == 25


def test_what_is_unusual_says_how_much_how_sure_and_why() -> None:
    explained = replace(UNUSUAL, dimension="project", name="", root_dimension="agent", root_name="codex")
    table = trendtables.unusual([UNUSUAL, explained, replace(UNUSUAL, is_shift=True)], address=lambda one: "?x")
    first, second, third = ([cell.text for cell in row.cells] for row in table.rows)
    assert first[1:] == ["Fri 20 Nov", "Tokens a run", "3,100", "1,000", "3.1", "+$4.00", "<0.1%", ""]
    assert (second[0], second[-1]) == ("All runs", "explained by agent codex")
    assert third[-1] == "unusual on two of three days"
    assert table.rows[0].cells[4].note == "800 to 1,250"


def test_a_series_has_a_row_with_what_a_run_takes_and_how_many_there_are() -> None:
    runs = replace(UNUSUAL, what="volume", value=40.0, slope=0.02, slope_p=0.3)
    table = trendtables.series(
        [EVIL], {(EVIL, "intensity"): USUAL, (EVIL, "volume"): runs}, by="agent", address=lambda one: "?x"
    )
    (row,) = table.rows
    assert [cell.text for cell in row.cells[1:]] == [
        *("unusual", "1,010", "1.0", "\N{MINUS SIGN}1.2% a day", "40", "3.1", "\N{EN DASH}", "$2.00", "+$4.00"),
    ]
    assert len(row.cells) == len(table.columns)
    (row,) = trendtables.series([EVIL], {(EVIL, "intensity"): LEARNING}, by="agent", address=lambda one: "?x").rows
    assert [cell.text for cell in row.cells[1:5]] == ["learning", "900", "\N{EN DASH}", "\N{EN DASH}"]
