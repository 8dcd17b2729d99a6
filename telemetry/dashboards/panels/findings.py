"""Panel: what was wasted, in one line that leads to the anomalies of the same range."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from telemetry.dashboards import formats, wasted
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.observer.narrowing import FILTERS


@dataclass(frozen=True, slots=True)
class Findings:
    """The figures of the line, and where it leads."""

    anomalies: str
    high: str
    tokens: str
    part: str
    url: str


def build(reader: Reader) -> Findings | None:
    """None where nothing was found, or where the page is narrowed by what no anomaly is kept by."""
    state = reader.state
    if not state.filters.keys() <= FILTERS.keys():
        return None
    found = reader.waste()
    if not found.total.anomalies:
        return None
    high = found.by_severity.get("high")
    return Findings(
        anomalies=formats.counted(found.total.anomalies, "anomaly", "anomalies"),
        high=formats.whole(high.anomalies) if high else "",
        tokens=formats.compact(found.tokens_once),
        part=wasted.part(found.tokens_once, reader.used(), measure=reader.project.token_measure),
        url=state.link(reverse("anomalies")),
    )


PANEL = Panel("findings", "Waste", "telemetry/_waste.html", build)
