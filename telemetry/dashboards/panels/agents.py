"""Panel: the agents that cost the most."""

from __future__ import annotations

from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Column, Table, leaders, text

ROWS = 10


def build(reader: Reader) -> Table:
    """The dearest agents of the window; a click narrows the page to one."""
    link = reader.state.with_filter
    return leaders(
        reader.by("agent", limit=ROWS),
        reader.total(),
        keys=(Column("agent", "Agent", "text"),),
        name=lambda row: (text(row.key, url=link("agent", row.key)),),
    )


PANEL = Panel("agents", "Top agents", "telemetry/_table.html", build)
