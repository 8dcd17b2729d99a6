"""Panel: what the calls of the ladder cost, beside what they would if its highest tier had answered all of them."""

from __future__ import annotations

from fractions import Fraction

from telemetry.contracts import Rung, UsageRow
from telemetry.dashboards import formats, sums
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text

COLUMNS = (
    Column("what", "", "text"),
    Column("calls", "Calls"),
    Column("tokens", "Tokens"),
    Column("cost_usd", "Cost"),
)


def build(reader: Reader) -> Table | None:
    """None where there is no ladder, no call of it, or its highest tier costs nothing, or nobody knows what."""
    rungs = reader.ladder().rungs
    if not rungs:
        return None
    names, top = {rung.name for rung in rungs}, rungs[-1]
    whole = sums.total(row for row in reader.by("tier", limit=len(rungs) + 20) if row.key in names)
    prices = _prices(reader, top)
    if not whole.calls or prices is None or not any(prices):
        return None
    paid = _at(whole, prices)
    return Table(
        COLUMNS,
        (
            _row("As it was", whole, whole.cost_nanousd),
            _row(f"All by {top.name}", whole, paid),
            Row((text("Not spent"), Cell("", ""), Cell("", ""), _money(paid - whole.cost_nanousd))),
        ),
    )


PANEL = Panel("all-paid", "Cost against all-paid (list price, the same tokens)", "telemetry/_table.html", build)


def _prices(reader: Reader, top: Rung) -> tuple[Fraction, Fraction, Fraction] | None:
    """Nano-dollars of a token: as the tier says, else as the price book."""
    if top.input_nanousd is not None and top.output_nanousd is not None:
        return Fraction(top.input_nanousd), Fraction(top.input_nanousd), Fraction(top.output_nanousd)
    return reader.token_price(top.provider, top.model)


def _at(row: UsageRow, prices: tuple[Fraction, Fraction, Fraction]) -> int:
    fresh, cached, output = prices
    return round((row.input_total - row.cache_read) * fresh + row.cache_read * cached + row.output * output)


def _row(title: str, row: UsageRow, cost: int) -> Row:
    return Row((text(title), count(row.calls), count(row.tokens), _money(cost)))


def _money(nanousd: int) -> Cell:
    return Cell(formats.usd(nanousd), formats.exact_usd(nanousd))
