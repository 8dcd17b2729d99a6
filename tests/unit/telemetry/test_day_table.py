"""Usage by day for a terminal and for programs: the same figures, and no unknown cost shown as nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO

import pytest
from rich.console import Console

from telemetry.contracts import UsageRow
from telemetry.management.day_table import Day, as_json, cost, day_table, days_of
from telemetry.series.queries import SeriesPoint
from telemetry.series.window import Window, by_days

MADRID = by_days(date(2026, 10, 24), date(2026, 10, 26), zone="Europe/Madrid", bucket="1d")
DEAR = UsageRow(key="opus", calls=2, input_uncached=10, cache_read=1_000, output=5, cost_nanousd=71_364_589_350)
CHEAP = UsageRow(key="local", calls=1, input_uncached=7, output=3, unpriced_calls=1)


def days(window: Window = MADRID) -> list[Day]:
    """Two days: one with two models, and the long one on which the clocks go back."""
    midnight = datetime(2026, 10, 23, 22, tzinfo=UTC)
    return days_of(
        [
            SeriesPoint(midnight, CHEAP),
            SeriesPoint(midnight, DEAR),
            SeriesPoint(datetime(2026, 10, 24, 22, tzinfo=UTC), CHEAP),
        ],
        window,
    )


def printed(*, width: int = 160, breakdown: bool = False) -> str:
    """The table as text."""
    console = Console(file=StringIO(), width=width)
    console.print(day_table(days(), title="Days", breakdown=breakdown, width=width))
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_days_are_those_of_the_zone_with_the_dearest_model_first() -> None:
    assert [day.total.key for day in days()] == ["2026-10-24", "2026-10-25"]
    assert [row.key for row in days()[0].models] == ["opus", "local"]
    assert days()[0].total.calls == 3


def test_the_table_ends_with_the_sum_of_all_days() -> None:
    last = printed().rstrip().splitlines()[-1].split()
    assert last == ["Total", "4", "24", "11", "0", "1,000", "1,035", "$71.36", "+", "2", "unpriced"]


def test_a_narrow_terminal_gets_fewer_columns_and_whole_numbers() -> None:
    text = printed(width=80)
    assert "Cache read" not in text
    assert "$71.36 + 1 unpriced" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_breakdown_has_a_line_for_each_model_of_a_day() -> None:
    rows = [line.split()[0] for line in printed(breakdown=True).splitlines() if line.strip()]
    assert rows[3:7] == ["2026-10-24", "opus", "local", "2026-10-25"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (DEAR, "$71.36"),
        (CHEAP, "unpriced"),
        (UsageRow(calls=3, cost_nanousd=5_000_000, unpriced_calls=1), "$0.01 + 1 unpriced"),
        (UsageRow(calls=1, cost_nanousd=1_234_567_890_000), "$1,234.57"),
        (UsageRow(calls=1), "$0.00"),
        (UsageRow(calls=1, cost_nanousd=4_999_999), "< $0.01"),
    ],
)
def test_an_unknown_cost_is_never_shown_as_nothing(row: UsageRow, text: str) -> None:
    assert cost(row) == text


def test_json_bears_exact_figures() -> None:
    answer = as_json(days(), MADRID, breakdown=True)
    assert (answer["from"], answer["to"], answer["tz"]) == ("2026-10-24", "2026-10-26", "Europe/Madrid")
    assert answer["total"]["cost_usd"] == "71.36458935"
    assert answer["days"][0]["models"] == ["opus", "local"]
    assert answer["days"][0]["breakdown"][1] == {"model": "local"} | {
        name: getattr(CHEAP, name) for name in CHEAP.__struct_fields__ if name not in ("key", "cost_nanousd")
    } | {"cost_usd": "0.00"}
