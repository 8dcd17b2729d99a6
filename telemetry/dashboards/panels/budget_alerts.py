"""Panel: who was told of budgets, and how that stands."""

from __future__ import annotations

from typing import Literal

from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, text
from telemetry.observer.alerts.standing import Told
from telemetry.series.window import Window

COLUMNS = (
    Column("since", "Since", "text"),
    Column("alert", "What", "text"),
    Column("severity", "Severity", "text"),
    Column("state", "State", "text"),
    Column("told", "Told", "text", hint="When its message went to the channels; quiet hours keep one back"),
)
MOST = 50
_NONE = Cell("–", "", words=True)
_LONGEST = 120


def build(reader: Reader) -> Table | None:
    """The newest first; None where nobody was told."""
    rows = tuple(_row(one, reader.state.window) for one in reader.told_of_budgets(MOST))
    return Table(COLUMNS, rows) if rows else None


PANEL = Panel("budget_alerts", "Alerts of budgets", "telemetry/_table.html", build)


def _row(one: Told, window: Window) -> Row:
    is_over = one.resolved_at is not None
    state: Literal["good", "bad", "other"] = "good" if is_over else "bad" if one.state == "firing" else "other"
    said = f"until {formats.moment(one.resolved_at, window)}" if one.resolved_at else one.state
    told = Cell(formats.moment(one.told_at, window), one.told_at.isoformat(), words=True) if one.told_at else _NONE
    return Row(
        (
            Cell(formats.moment(one.first_at, window), one.first_at.isoformat(), words=True),
            text(one.title, shown=formats.clipped(one.title, _LONGEST)),
            text(one.severity),
            Cell(said, one.state, words=True, state=state),
            told,
        )
    )
