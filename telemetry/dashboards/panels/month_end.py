"""Panel: what the month that runs will cost, with an interval."""

from __future__ import annotations

from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, text
from telemetry.limits.projection import LEARNT

COLUMNS = (
    Column("month", "Month", "text"),
    Column("cost_usd", "So far"),
    Column("low_usd", "Low", hint="One of ten such months ends below"),
    Column("projected_usd", "Will come to", hint="Half of the time less"),
    Column("high_usd", "High", hint="One of ten such months ends above"),
    Column("unpriced_calls", "Unpriced", hint="Calls of models whose price is not known: they are in no figure here"),
)

_NOTHING = Cell("–", "")


def build(reader: Reader) -> Table:
    """One row."""
    month = reader.outlook().month
    name = f"{month.first_day:%B %Y}"
    found = month.projection
    amounts = (found.total.low, found.total.middle, found.total.high) if found else None
    unknown = (_NOTHING, Cell(f"known after {LEARNT} days", ""), _NOTHING)
    ahead = tuple(_usd(one) for one in amounts) if amounts else unknown
    cells = (text(name), _usd(month.used), *ahead, Cell(formats.whole(month.unpriced_calls), str(month.unpriced_calls)))
    return Table(COLUMNS, (Row(cells),))


PANEL = Panel("month_end", "This month", "telemetry/_table.html", build)


def _usd(nanousd: int) -> Cell:
    return Cell(formats.usd(nanousd), formats.exact_usd(nanousd))
