"""A table adds up to its total, and its CSV holds the same cells in full precision."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import UsageRow
from telemetry.dashboards import charts, formats, sums
from telemetry.dashboards.tables import USAGE_COLUMNS, Column, Row, Table, as_csv, count, leaders, summary, text

counts = st.integers(min_value=0, max_value=10**15)
usages = st.builds(
    UsageRow,
    key=st.text(max_size=10),
    calls=st.integers(1, 10**6),
    input_uncached=counts,
    cache_read=counts,
    cache_write_1h=counts,
    output=counts,
    cost_nanousd=counts,
)


def table_of(rows: list[UsageRow], whole: UsageRow) -> Table:
    return leaders(rows, whole, keys=(Column("model", "Model", "text"),), name=lambda row: (text(row.key),))


def read(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(table))))


@given(st.lists(usages, min_size=1, max_size=20), st.integers(0, 20))
def test_the_rows_of_a_shortened_table_still_add_up(rows: list[UsageRow], limit: int) -> None:
    table = table_of(rows[:limit], sums.total(rows))
    *lines, total = read(table)
    for column in ("calls", "input_uncached", "cache_read", "cache_write", "output"):
        assert sum(int(line[column]) for line in lines) == int(total[column])
    assert table.shortened == (limit < len(rows))


@given(st.lists(usages, max_size=20))
def test_sums_by_key_are_the_sum(rows: list[UsageRow]) -> None:
    assert sums.total(sums.by_key(rows).values()) == sums.total(rows)


def test_the_csv_has_the_rows_and_exact_figures_of_the_table() -> None:
    row = UsageRow(key="a", calls=1234, input_uncached=5_000_000, output=7, cost_nanousd=12_345_678_901)
    assert read(table_of([row], row)) == [
        {
            "model": name,
            "calls": "1234",
            "input_uncached": "5000000",
            "cache_read": "0",
            "cache_write": "0",
            "output": "7",
            "cost_usd": "12.345678901",
            "unpriced_calls": "0",
            "cost_share_percent": "100.0",
        }
        for name in ("a", "Total")
    ]


def test_what_has_no_price_has_no_cost_and_no_share() -> None:
    row = UsageRow(key="house", calls=2, output=7, unpriced_calls=2)
    shown = dict(zip((column.name for column in USAGE_COLUMNS), table_of([row], row).rows[0].cells[1:], strict=True))
    assert shown["cost_usd"].text == "unpriced"
    assert shown["cost_usd"].value == ""
    assert shown["cost_share_percent"].value == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_words_that_a_spreadsheet_would_run_are_quoted_for_it(start: str) -> None:
    name = f'{start}HYPERLINK("x")'
    table = Table((Column("model", "Model", "text"), Column(name, name)), (Row((text(name), count(1))),), _total())
    header, first, _ = csv.reader(io.StringIO(as_csv(table), newline=""))
    assert header == ["model", f"'{name}"]
    assert first == [f"'{name}", "1"]


def test_a_figure_that_begins_with_a_minus_stays_a_figure() -> None:
    negative = text("-5.0")
    table = Table(
        (Column("model", "Model", "text"), Column("change", "Change")), (Row((text("a"), negative)),), _total()
    )
    assert read(table)[0]["change"] == "-5.0"


def test_the_models_that_matter_are_chosen_by_cost_and_tokens_alike() -> None:
    rows = {
        "dear": UsageRow(key="dear", cost_nanousd=90, output=1),
        "large": UsageRow(key="large", cost_nanousd=0, output=99),
        "small": UsageRow(key="small", cost_nanousd=10, output=1),
    }
    assert sums.most_telling(rows, limit=2) == ["large", "dear"]


def _total() -> Row:
    return summary("total", 1, (count(1),))


@pytest.mark.parametrize("turning", ["\u202e", "\u202d", "\u2066", "\u2067", "\u200f", "\u061c"])
def test_a_name_cannot_turn_round_the_words_beside_it(turning: str) -> None:
    cell = text(f"tier{turning}-2", note="tier 2")
    assert (cell.text, cell.value) == ("tier-2", f"tier{turning}-2")
    assert charts.escape(f"a{turning}b") == "ab"
    assert text(turning).text == formats.UNSET
