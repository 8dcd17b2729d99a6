"""Usage by day as a table for a terminal and as JSON: what `tloi import` ends with and `tloi daily` shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich import box
from rich.table import Table

from telemetry.contracts import UsageRow
from telemetry.series.queries import SeriesPoint
from telemetry.series.window import Window
from telemetry.usage import usd

WIDE = 100
_SUMMED = tuple(field for field in UsageRow.__struct_fields__ if field != "key")


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: its date as 2026-11-20, its sums, and those of each model, dearest first."""

    total: UsageRow
    models: tuple[UsageRow, ...]


def days_of(points: Iterable[SeriesPoint], window: Window) -> list[Day]:
    """Points of the series by model, cut into days, as days, oldest first."""
    by_day: dict[str, list[UsageRow]] = {}
    for point in points:
        by_day.setdefault(point.at.astimezone(window.tz).date().isoformat(), []).append(point.usage)
    return [
        Day(total(rows, key=date), tuple(sorted(rows, key=lambda row: (-row.cost_nanousd, -row.tokens, row.key))))
        for date, rows in sorted(by_day.items())
    ]


def total(rows: Iterable[UsageRow], *, key: str) -> UsageRow:
    """The sum of rows."""
    sums = dict.fromkeys(_SUMMED, 0)
    for row in rows:
        for field in _SUMMED:
            sums[field] += getattr(row, field)
    return UsageRow(key=key, **sums)


def day_table(days: Sequence[Day], *, title: str, breakdown: bool, width: int) -> Table:
    """One row a day and one for all; on a terminal of less than 100 columns only what matters most."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    is_wide = width >= WIDE
    for heading in ("Date", "Models"):
        table.add_column(heading, no_wrap=heading == "Date")
    for heading in _headings(is_wide):
        table.add_column(heading, justify="right", no_wrap=True)
    for day in days:
        names = "" if breakdown else "\n".join(row.key for row in day.models)
        table.add_row(day.total.key, names, *_cells(day.total, is_wide))
        for row in day.models if breakdown else ():
            table.add_row("", row.key, *_cells(row, is_wide), style="dim")
    table.add_section()
    table.add_row("Total", "", *_cells(total((day.total for day in days), key=""), is_wide), style="bold")
    return table


def as_json(days: Sequence[Day], window: Window, *, breakdown: bool) -> dict[str, Any]:
    """The same figures, exact: counts are integers, `cost_usd` a decimal text."""
    return {
        "from": window.first_day.isoformat(),
        "to": window.last_day.isoformat(),
        "tz": window.zone,
        "total": _fields(total((day.total for day in days), key="")),
        "days": [
            {"date": day.total.key, "models": [row.key for row in day.models]}
            | _fields(day.total)
            | ({"breakdown": [{"model": row.key} | _fields(row) for row in day.models]} if breakdown else {})
            for day in days
        ],
    }


def cost(row: UsageRow) -> str:
    """Dollars and cents; calls without a known price are named, never shown as 0."""
    amount = (Decimal(row.cost_nanousd) / 10**9).quantize(Decimal("0.01"), ROUND_HALF_UP)
    dollars = f"${amount:,}" if amount or not row.cost_nanousd else "< $0.01"
    if not row.unpriced_calls:
        return dollars
    return "unpriced" if row.unpriced_calls == row.calls else f"{dollars} + {row.unpriced_calls:,} unpriced"


def _headings(is_wide: bool) -> tuple[str, ...]:
    if is_wide:
        return ("Calls", "Input", "Output", "Cache write", "Cache read", "Total", "Cost")
    return ("Calls", "Input", "Output", "Cost")


def _cells(row: UsageRow, is_wide: bool) -> tuple[str, ...]:
    wide = (row.cache_write, row.cache_read, row.tokens) if is_wide else ()
    return (*(f"{count:,}" for count in (row.calls, row.input_uncached, row.output, *wide)), cost(row))


def _fields(row: UsageRow) -> dict[str, Any]:
    counts = {field: getattr(row, field) for field in _SUMMED if field != "cost_nanousd"}
    return counts | {"cost_usd": usd(row.cost_nanousd)}
