"""Panel: prompts that were sent shorter than they came, and what that saved, or would have."""

from __future__ import annotations

from telemetry.contracts import Shortened
from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text

COLUMNS = (
    Column("tier", "Tier", "text", hint="The one that was asked first"),
    Column("mode", "Mode", "text", hint="Shadow: measured, and sent as they came"),
    Column("asked", "Prompts", hint="That were long enough to look at, and answered"),
    Column("shortened", "Shorter", hint="Of these, with something left out"),
    Column("came_tokens", "Tokens", hint="Of all of them as they came, estimated"),
    Column("saved_tokens", "Left out", hint="Of these, less what models fetched again; below zero where that is more"),
    Column("saved_percent", "Of tokens", hint="Left out, of the tokens that came"),
    Column("saved_usd", "Saved", hint="With the provider's cache counted; a free tier saves nothing"),
    Column("saved_cost_percent", "Of cost", hint="Saved, of what these prompts would have cost"),
    Column("fetched", "Fetched", hint="Parts of what was left out that models asked for"),
)


def build(reader: Reader) -> Table | None:
    """One row a tier and mode; None where no prompt was looked at."""
    rows = tuple(map(_row, reader.ladder().shortened))
    return Table(COLUMNS, rows) if rows else None


PANEL = Panel("shorter-prompts", "Prompts made shorter", "telemetry/_table.html", build)


def _row(one: Shortened) -> Row:
    tokens, cost = _part(one.saved_tokens, one.came_tokens), _part(one.saved_nanousd, one.came_nanousd)
    return Row(
        (
            text(one.tier, shown=formats.clipped(one.tier, 28)),
            text("shadow" if one.is_shadow else "on"),
            count(one.asked),
            count(one.shortened),
            count(one.came_tokens),
            count(one.saved_tokens),
            Cell(f"{tokens}%", tokens),
            Cell(formats.usd(one.saved_nanousd), formats.exact_usd(one.saved_nanousd)),
            Cell(f"{cost}%" if one.came_nanousd else "–", cost if one.came_nanousd else ""),
            count(one.fetched),
        )
    )


def _part(saved: int, of: int) -> str:
    """In percent; below zero where more was spent than saved."""
    return f"-{formats.percent(-saved, of)}" if saved < 0 else formats.percent(saved, of)
