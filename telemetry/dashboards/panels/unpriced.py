"""Panel: models whose price is not known, so that nobody takes their cost for nothing."""

from __future__ import annotations

from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Column, Row, Table, count, summary, text

COLUMNS = (Column("provider", "Provider", "text"), Column("model", "Model", "text"), Column("calls", "Unpriced calls"))


def build(reader: Reader) -> Table | None:
    """One row a model without a price; None where every call has one."""
    models = reader.unpriced_models()
    if not models:
        return None
    rows = tuple(
        Row((text(provider), text(model, url=reader.state.with_filter("model", model)), count(calls)))
        for provider, model, calls in models
    )
    return Table(COLUMNS, rows, summary("total", 2, (count(sum(calls for _, _, calls in models)),)))


PANEL = Panel("unpriced", "Models without a price", "telemetry/_unpriced.html", build)
