"""Panel: why each tier was asked."""

from __future__ import annotations

from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text

COLUMNS = (
    Column("tier", "Tier", "text"),
    Column("reason", "Because", "text"),
    Column("asked", "Asked"),
    Column("answered", "Answered"),
    Column("given", "Given", hint="Answers that the caller got"),
    Column("good_percent", "Likely good", hint="What the quality gate thinks of its answers, on average"),
)


def build(reader: Reader) -> Table | None:
    """The most frequent reasons first; None where nothing was asked."""
    rows = tuple(
        Row(
            (
                text(why.tier, shown=formats.clipped(why.tier, 28), url=reader.state.with_filter("tier", why.tier)),
                text(why.reason, shown=formats.clipped(why.reason, 80)),
                count(why.asked),
                count(why.answered),
                count(why.given),
                _mean(why.good, why.answered),
            )
        )
        for why in reader.ladder().whys
    )
    return Table(COLUMNS, rows) if rows else None


PANEL = Panel("reasons", "Why they were asked", "telemetry/_table.html", build)


def _mean(good: float, answered: int) -> Cell:
    if not answered:
        return Cell("–", "")
    return Cell(f"{100 * good / answered:.0f}%", f"{100 * good / answered:.1f}")
