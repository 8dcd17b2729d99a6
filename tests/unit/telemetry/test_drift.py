"""Ours less theirs: by day, by model, and in sum, whatever the two call a model."""

from __future__ import annotations

from datetime import date

import pytest

from telemetry.dashboards import drift, driftables
from telemetry.dashboards.drift import Compared, Ours, model_key
from telemetry.dashboards.tables import as_csv
from telemetry.ledger.invoice_csv import Line

DOLLAR = 10**9
THIRD, FOURTH = date(2026, 11, 3), date(2026, 11, 4)
LINES = [
    Line(THIRD, "Claude Haiku 4.5", 2 * DOLLAR, 5_000_000),
    Line(FOURTH, "Claude Haiku 4.5", 1 * DOLLAR, 5_000_000),
    Line(FOURTH, "Claude Opus 4.5", 4 * DOLLAR, 5_000_000),
]
OURS = [
    Ours(THIRD, "claude-haiku-4-5-20251001", 2 * DOLLAR + 4_000_000, 3, 0),
    Ours(FOURTH, "claude-haiku-4-5", 1 * DOLLAR, 2, 0),
    Ours(FOURTH, "claude-sonnet-4-5", 3 * DOLLAR, 1, 1),
]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Claude Haiku 4.5", "claude-haiku-4-5-20251001"),
        ("Claude 3.5 Sonnet 2024-10-22", "claude-3-5-sonnet-20241022"),
        ("Claude Sonnet 3.5", "claude-3-5-sonnet-latest"),
        ("anthropic/claude-opus-4.7", "claude-opus-4-7"),
        ("openai/gpt-4.1-2025-04-14", "gpt-4.1"),
        ("deepseek/deepseek-v4.1-flash-20260910", "deepseek/deepseek-v4.1-flash"),
        ("qwen/qwen3-coder:free", "qwen/qwen3-coder"),
    ],
)
def test_two_spellings_of_a_model_are_one(theirs: str, ours: str) -> None:
    assert model_key(theirs) == model_key(ours)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4.5", "gpt-5.4"),
        ("Claude Sonnet 4.5", "claude-sonnet-4"),
        ("Claude Haiku 4.5", "claude-sonnet-4-5"),
        ("gpt-5", "gpt-5-mini"),
        ("o3", "o3-mini"),
    ],
)
def test_two_models_are_two(one: str, other: str) -> None:
    assert model_key(one) != model_key(other)


def test_models_are_met_under_their_name_and_the_widest_drift_comes_first() -> None:
    rows = drift.by_model(LINES, OURS, detailed=True)
    assert [(row.model, row.theirs, row.ours, row.drift) for row in rows] == [
        ("Claude Opus 4.5", 4 * DOLLAR, 0, -4 * DOLLAR),
        ("claude-sonnet-4-5", 0, 3 * DOLLAR, 3 * DOLLAR),
        ("Claude Haiku 4.5", 3 * DOLLAR, 3 * DOLLAR + 4_000_000, 4_000_000),
    ]


def test_days_are_summed_over_models_newest_first() -> None:
    rows = drift.by_day(LINES, OURS, detailed=True)
    assert [(row.day, row.drift, row.calls, row.unpriced_calls) for row in rows] == [
        (FOURTH, -1 * DOLLAR, 3, 1),
        (THIRD, 4_000_000, 3, 0),
    ]


def test_every_cut_adds_up_to_the_same_total() -> None:
    whole = drift.total(7 * DOLLAR, LINES, OURS)
    assert whole.drift == -1 * DOLLAR + 4_000_000
    for cut in (drift.by_model, drift.by_day, drift.by_day_and_model):
        rows = cut(LINES, OURS, detailed=True)
        assert sum(row.theirs or 0 for row in rows) == whole.theirs
        assert sum(row.ours for row in rows) == whole.ours
        assert sum(row.calls for row in rows) == whole.calls


def test_a_drift_that_their_rounding_explains_is_called_so() -> None:
    rows = {row.day: row for row in drift.by_day(LINES, OURS, detailed=True)}
    assert rows[THIRD].is_rounding
    assert not rows[FOURTH].is_rounding


def test_of_a_total_that_was_typed_in_no_part_is_known() -> None:
    rows = drift.by_model([], OURS, detailed=False)
    assert {(row.theirs, row.drift, row.percent) for row in rows} == {(None, None, "")}


@pytest.mark.parametrize(
    ("theirs", "ours", "percent"),
    [(4, 3, "-25.00"), (3, 4, "+33.33"), (-2, -1, "+50.00"), (0, 5, ""), (3, 3, "+0.00")],
)
def test_percent_is_of_theirs(theirs: int, ours: int, percent: str) -> None:
    row = Compared(None, "", theirs * DOLLAR, ours * DOLLAR, 0, 1, 0)
    assert row.percent == percent


def test_a_long_comparison_sums_up_what_it_leaves_out() -> None:
    many = [Line(THIRD, f"model-x{number}", number * DOLLAR, 0) for number in range(driftables.ROWS + 5)]
    whole = drift.total(sum(line.amount_nanousd for line in many), many, [])
    table = driftables.by_both(many, [], whole, detailed=True, all_rows=False)
    assert (len(table.rows), table.rows[-1].kind, table.shortened) == (driftables.ROWS + 1, "others", True)
    assert table.rows[-1].cells[2].value == "10"
    complete = driftables.by_both(many, [], whole, detailed=True, all_rows=True)
    assert len(complete.rows) == driftables.ROWS + 5


def test_a_csv_holds_exact_signed_figures() -> None:
    whole = drift.total(7 * DOLLAR, LINES, OURS)
    rows = as_csv(driftables.by_day(LINES, OURS, whole, detailed=True)).splitlines()
    assert rows[1] == "2026-11-04,5,4,-1,-20.00,3,1"
    assert rows[2] == "2026-11-03,2,2.004,0.004,0.20,3,0"
    assert rows[3] == "Total,7,6.004,-0.996,-14.23,6,1"
