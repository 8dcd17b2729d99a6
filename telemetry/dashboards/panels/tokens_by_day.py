"""Panel: tokens by model by day, stacked."""

from __future__ import annotations

from telemetry.dashboards import twin
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.reader import Reader


def build(reader: Reader) -> Chart:
    """The tokens of each day, a colour a model."""
    return twin.chart(reader, "tokens-by-day", "tokens")


PANEL = Panel("tokens-by-day", "Tokens by model and day", "telemetry/_chart.html", build)
