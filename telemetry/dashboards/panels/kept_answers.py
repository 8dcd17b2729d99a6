"""Panel: answers that were given again to who asked the same, and what that saved."""

from __future__ import annotations

from telemetry.contracts import Recalled
from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text

COLUMNS = (
    Column("tier", "Tier", "text", hint="The one that would have been asked"),
    Column("asked", "Asked", hint="Requests that a kept answer would do for"),
    Column("found", "Found", hint="Of these, answered by one that was kept, without a call"),
    Column("found_percent", "Hit rate", hint="Found, of those that asked"),
    Column("input_tokens", "Input saved", hint="Input tokens of the calls that were not made"),
    Column("output_tokens", "Output saved", hint="Output tokens of the calls that were not made"),
    Column("saved_usd", "Saved", hint="What the same answers cost when they were made"),
    Column("unpriced", "Unpriced", hint="Found answers whose cost is not known, and not in what was saved"),
)


def build(reader: Reader) -> Table | None:
    """One row a tier of which kept answers were asked for; None where nobody did."""
    rows = tuple(_row(recalled) for recalled in reader.ladder().recalled)
    return Table(COLUMNS, rows) if rows else None


PANEL = Panel("kept-answers", "Answers given again", "telemetry/_table.html", build)


def _row(recalled: Recalled) -> Row:
    rate = formats.percent(recalled.found, recalled.asked)
    saved = recalled.saved_nanousd
    is_unknown = recalled.unpriced == recalled.found > 0
    return Row(
        (
            text(recalled.tier, shown=formats.clipped(recalled.tier, 28)),
            count(recalled.asked),
            count(recalled.found),
            Cell(f"{rate}%", rate),
            count(recalled.input_tokens),
            count(recalled.output_tokens),
            Cell("unpriced", "") if is_unknown else Cell(formats.usd(saved), formats.exact_usd(saved)),
            count(recalled.unpriced),
        )
    )
