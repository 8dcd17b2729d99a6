"""Panel: the tiers of the ladder, what each should answer and did, how long that took and how it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from telemetry.contracts import Rung, UsageRow
from telemetry.dashboards import colours, formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text
from telemetry.series.histogram import percentile
from telemetry.series.queries import Spread

COLUMNS = (
    Column("tier", "Tier", "text"),
    Column("state", "Now", "text"),
    Column("target_percent", "Target", hint="The part of all answers that it should give"),
    Column(
        "share_percent", "Share", "share", hint="The part of all answers that it gave, without those that were refused"
    ),
    Column("answers", "Answers"),
    Column("failed_percent", "Failed", hint="Of its attempts: no answer came"),
    Column("refused_percent", "Refused", hint="Of its answers: the quality gate asked a higher tier"),
    Column("duration_ms_p50", "Duration p50", hint="Half of its calls took no longer"),
    Column("duration_ms_p95", "Duration p95", hint="95 of 100 of its calls took no longer"),
    Column("calls", "Calls"),
    Column("cost_usd", "Cost"),
    Column("model", "Model", "text"),
    Column("quota", "Quota", "text", hint="Calls that its account may still make"),
)

_SIGNS: dict[bool | None, Literal["good", "bad", "other"]] = {True: "good", False: "bad", None: "other"}
_LONGEST, _LONGEST_MODEL = 28, 60  # letters of a name


@dataclass(frozen=True, slots=True)
class Tiers:
    """The table of tiers, without rows where no ladder is set up; `is_unused` where none was asked in the range."""

    table: Table
    is_unused: bool


def build(reader: Reader) -> Tiers:
    """One row a tier, from the lowest."""
    rungs = reader.ladder().rungs
    given = sum(rung.answers - rung.refused for rung in rungs)
    usage = {row.key: row for row in reader.by("tier", limit=len(rungs) + 20)}
    spreads = reader.spreads("tier")
    marks = colours.slots(rung.name for rung in rungs)
    table = Table(COLUMNS, tuple(_row(reader, rung, given, usage, spreads, marks) for rung in rungs))
    return Tiers(table, is_unused=not any(rung.answers or rung.failed for rung in rungs))


PANEL = Panel("tiers", "Tiers", "telemetry/_tiers.html", build)


def _row(
    reader: Reader,
    rung: Rung,
    given: int,
    usage: dict[str, UsageRow],
    spreads: dict[str, Spread],
    marks: dict[str, int],
) -> Row:
    row, kept = usage.get(rung.name, UsageRow()), rung.answers - rung.refused
    target = f"{100 * rung.share:.1f}"
    url = reader.state.with_filter("tier", rung.name)
    return Row(
        (
            text(
                rung.name,
                shown=formats.clipped(rung.name, _LONGEST),
                url=url,
                mark=marks.get(rung.name, 0),
                note=f"tier {rung.position}",
            ),
            Cell(rung.state, rung.state, words=True, state=_SIGNS[rung.is_well]),
            Cell(f"{target}%", target),
            _part(kept, given, is_bar=True),
            count(rung.answers),
            _part(rung.failed, rung.failed + rung.answers),
            _part(rung.refused, rung.answers),
            *(_duration(spreads.get(rung.name), fraction) for fraction in (0.5, 0.95)),
            count(row.calls),
            Cell(formats.usd(row.cost_nanousd), formats.exact_usd(row.cost_nanousd)),
            text(rung.model, shown=formats.clipped(rung.model, _LONGEST_MODEL)),
            text(rung.quota, shown=rung.quota or "–"),
        )
    )


def _part(part: int, whole: int, *, is_bar: bool = False) -> Cell:
    if not whole:
        return Cell("–", "")
    share = formats.percent(part, whole)
    return Cell(f"{share}%", share, share=formats.per_mille(part, whole) if is_bar else None)


def _duration(spread: Spread | None, fraction: float) -> Cell:
    found = percentile(spread.duration, fraction) if spread else None
    return Cell("–", "") if found is None else Cell(formats.duration(round(found)), str(round(found)))
