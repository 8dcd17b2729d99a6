"""Panel: when tiers were left out, and when they were asked again."""

from __future__ import annotations

from telemetry.contracts import Opened
from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, text
from telemetry.series.window import Window

COLUMNS = (Column("at", "When", "text"), Column("tier", "Tier", "text"), Column("what", "What", "text"))


def build(reader: Reader) -> Table | None:
    """The newest first; None where nothing failed so often."""
    rows = tuple(_row(opened, reader.state.window) for opened in reader.ladder().opened)
    return Table(COLUMNS, rows) if rows else None


PANEL = Panel("breakers", "Left out and asked again", "telemetry/_table.html", build)


def _row(opened: Opened, window: Window) -> Row:
    what = f"left out: {opened.kind.replace('_', ' ')}" if opened.kind else "asked again"
    return Row(
        (
            Cell(formats.moment(opened.at, window), opened.at.isoformat(), words=True),
            text(opened.tier, shown=formats.clipped(opened.tier, 28)),
            Cell(what, what, words=True, state="bad" if opened.kind else "good"),
        )
    )
