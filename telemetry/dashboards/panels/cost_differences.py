"""Panel: models whose reported cost is not what the price table says, so that neither is believed unseen."""

from __future__ import annotations

from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, summary, text
from telemetry.series.queries import CostDifference

ABOVE_PERCENT = 1
COLUMNS = (
    Column("model", "Model", "text"),
    Column("calls_with_both", "Calls with both", hint="Calls whose cost was reported, and computed by us too"),
    Column("reported_usd", "Reported", hint="What a provider or client said; this is the cost that is shown"),
    Column("computed_usd", "Computed", hint="What the price table and overrides say"),
    Column("difference_usd", "Difference", hint="Computed less reported"),
    Column("difference_percent", "%", hint="Of the reported cost"),
)


def build(reader: Reader) -> Table | None:
    """One row a model whose two costs differ by more than a hundredth; None where all agree."""
    differences = reader.cost_differences(above_percent=ABOVE_PERCENT)
    if not differences:
        return None
    rows = tuple(
        Row((text(one.model, url=reader.state.with_filter("model", one.model)), *_figures(one))) for one in differences
    )
    whole = CostDifference(
        "",
        sum(one.calls for one in differences),
        sum(one.reported for one in differences),
        sum(one.computed for one in differences),
    )
    return Table(COLUMNS, rows, summary("total", 1, _figures(whole)))


PANEL = Panel("cost-differences", "Reported and computed cost differ", "telemetry/_table.html", build)


def _figures(one: CostDifference) -> tuple[Cell, ...]:
    moved = formats.change(one.computed, one.reported)
    difference = one.computed - one.reported
    return (
        count(one.calls),
        Cell(formats.usd(one.reported), formats.exact_usd(one.reported)),
        Cell(formats.usd(one.computed), formats.exact_usd(one.computed)),
        Cell(formats.signed_usd(difference), formats.exact_usd(difference)),
        Cell(moved.text, moved.percent) if one.reported else Cell("–", ""),
    )
