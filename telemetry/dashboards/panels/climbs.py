"""Panel: answers that the gate refused, and what asking a higher tier bought."""

from __future__ import annotations

from telemetry.contracts import Rung
from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text

COLUMNS = (
    Column("tier", "Tier", "text"),
    Column("answers", "Answers"),
    Column("refused", "Refused", hint="A higher tier was asked again"),
    Column("compared", "Compared", hint="Both answers can be told to say the same, or not"),
    Column("bettered", "Bettered", hint="The higher tier said something else, and its answer holds"),
    Column("needless", "Needless", hint="The higher tier said the same, or nothing that holds"),
    Column("bettered_percent", "Worth it", hint="Bettered, of those that could be compared"),
)


def build(reader: Reader) -> Table | None:
    """One row a tier of which answers were refused or checked; None where there is none."""
    rows = tuple(_row(rung) for rung in reader.ladder().rungs if rung.refused or rung.compared)
    return Table(COLUMNS, rows) if rows else None


PANEL = Panel("climbs", "What asking again bought", "telemetry/_table.html", build)


def _row(rung: Rung) -> Row:
    worth = formats.percent(rung.bettered, rung.compared) if rung.compared else ""
    return Row(
        (
            text(rung.name, shown=formats.clipped(rung.name, 28)),
            *(count(n) for n in (rung.answers, rung.refused, rung.compared, rung.bettered)),
            count(rung.compared - rung.bettered),
            Cell(f"{worth}%" if worth else "–", worth),
        )
    )
