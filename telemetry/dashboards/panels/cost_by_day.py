"""Panel: cost by model by day, stacked."""

from __future__ import annotations

from telemetry.dashboards import twin
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.reader import Reader


def build(reader: Reader) -> Chart:
    """The cost of each day, a colour a model."""
    return twin.chart(reader, "cost-by-day", "cost")


PANEL = Panel("cost-by-day", "Cost by model and day", "telemetry/_chart.html", build)
