"""Panel: tokens or cost by model over time, stacked; the chart of the Overview."""

from __future__ import annotations

from telemetry.dashboards import twin
from telemetry.dashboards.panel import Chart, Choice, Panel
from telemetry.dashboards.reader import Reader


def build(reader: Reader) -> Chart | None:
    """The chart in the metric that the address names, with a switch to the other."""
    state = reader.state
    choices = tuple(
        Choice(title, state.link(metric=metric), current=state.metric == metric)
        for metric, title in (("tokens", "Tokens"), ("cost", "Cost"))
    )
    return twin.chart(reader, "models-over-time", state.metric, choices)


PANEL = Panel("models-over-time", "By model", "telemetry/_chart.html", build)
