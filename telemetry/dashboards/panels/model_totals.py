"""Panel: each model's tokens, ratios, cost, price and change over the whole window."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats, sums, twin
from telemetry.dashboards.formats import NANO
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import (
    COST_COLUMNS,
    TOKEN_COLUMNS,
    Cell,
    Column,
    Row,
    Table,
    cost_cells,
    summary,
    text,
    token_cells,
)

COLUMNS = (
    Column("model", "Model", "text"),
    *TOKEN_COLUMNS,
    Column("input_output_ratio", "In / out", hint="Input tokens for each output token"),
    Column("cache_share_percent", "Cached", hint="Share of input that a cache served"),
    *COST_COLUMNS,
    Column("usd_per_million_tokens", "$ / M tokens", hint="Cost of a million tokens, input and output"),
    Column("cost_change_percent", "Change", hint="Of the cost, against the period before"),
)


def build(reader: Reader) -> Table:
    """One row a model, dearest first."""
    models, before = reader.models(), reader.models_before()
    whole, whole_before = reader.total(), reader.total_before()
    marks = twin.settled_colours(reader)
    rows = tuple(
        Row(
            (
                text(row.key, url=reader.state.with_filter("model", row.key), mark=marks.get(row.key, 0)),
                *_figures(row, whole, None if before is None else before.get(row.key, UsageRow())),
            )
        )
        for row in sums.dearest_first(models.values())
    )
    return Table(COLUMNS, rows, summary("total", 1, _figures(whole, whole, whole_before)))


PANEL = Panel("models", "Models", "telemetry/_table.html", build)


def _figures(row: UsageRow, whole: UsageRow, before: UsageRow | None) -> tuple[Cell, ...]:
    ratio = formats.ratio(row.input_total, row.output)
    cached = formats.percent(row.cache_read, row.input_total)
    return (
        *token_cells(row),
        Cell(ratio or "–", ratio.replace(",", "")),
        Cell(f"{cached}%" if row.input_total else "–", cached if row.input_total else ""),
        *cost_cells(row, whole),
        _price(row),
        _change(row, before),
    )


def _price(row: UsageRow) -> Cell:
    """Dollars for a million tokens; a row with unpriced calls has none, for its tokens and its cost do not match."""
    if row.unpriced_calls or not row.tokens:
        return Cell("–", "")
    per_million = (Decimal(row.cost_nanousd) * 10**6 / row.tokens / NANO).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return Cell(f"${per_million:,.4f}" if per_million < 1 else f"${per_million:,.2f}", f"{per_million:f}")


def _change(row: UsageRow, before: UsageRow | None) -> Cell:
    """How the cost moved; nothing to say where one of the two has no price."""
    if before is None or row.unpriced_calls == row.calls or (before.calls and before.unpriced_calls == before.calls):
        return Cell("–", "")
    moved = formats.change(row.cost_nanousd, before.cost_nanousd)
    return Cell(moved.text, moved.percent)
