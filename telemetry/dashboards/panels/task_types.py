"""Panel: the types of task that cost the most."""

from __future__ import annotations

from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Column, Table, leaders, text

ROWS = 10


def build(reader: Reader) -> Table:
    """The dearest task types of the window; a click narrows the page to one."""
    link = reader.state.with_filter
    return leaders(
        reader.by("task_type", limit=ROWS),
        reader.total(),
        keys=(Column("task_type", "Task type", "text"),),
        name=lambda row: (text(row.key, url=link("task_type", row.key)),),
    )


PANEL = Panel("task-types", "Top task types", "telemetry/_table.html", build)
