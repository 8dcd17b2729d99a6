"""Panel: how large and how long a call of each model usually is, and what 19 of 20 do not exceed."""

from __future__ import annotations

from collections.abc import Mapping

from telemetry.dashboards import formats, sums, twin
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text
from telemetry.series.histogram import percentile
from telemetry.series.queries import Spread

USUAL, LARGE = 0.5, 0.95
ALL = "All models"
COLUMNS = (
    Column("model", "Model", "text"),
    Column("calls", "Calls"),
    Column("tokens_p50", "Tokens p50", hint="Half of the calls have no more tokens than this, input and output"),
    Column("tokens_p95", "Tokens p95", hint="95 of 100 calls have no more tokens than this, input and output"),
    Column("timed_calls", "Timed", hint="Calls whose duration is known"),
    Column("duration_ms_p50", "Duration p50", hint="Half of the calls whose duration is known took no longer"),
    Column("duration_ms_p95", "Duration p95", hint="95 of 100 calls whose duration is known took no longer"),
)


def build(reader: Reader) -> Table | None:
    """One row a model, dearest first, and one for the calls of all models together."""
    spreads = reader.spreads("model")
    if not spreads:
        return None
    marks = twin.settled_colours(reader)
    rows = tuple(
        Row((text(key, url=reader.state.with_filter("model", key), mark=marks.get(key, 0)), *_figures(spreads[key])))
        for key in (row.key for row in sums.dearest_first(reader.models().values()))
        if key in spreads
    )
    together = Spread()
    for spread in spreads.values():
        together.tokens.update(spread.tokens)
        together.duration.update(spread.duration)
    return Table(COLUMNS, rows, Row((Cell(ALL, ALL, words=True), *_figures(together)), "total"))


PANEL = Panel("percentiles", "Tokens and duration of a call (±9 %)", "telemetry/_table.html", build)


def _figures(spread: Spread) -> tuple[Cell, ...]:
    return (
        count(spread.tokens.total()),
        *(_tokens(spread.tokens, fraction) for fraction in (USUAL, LARGE)),
        count(spread.duration.total()),
        *(_duration(spread.duration, fraction) for fraction in (USUAL, LARGE)),
    )


def _tokens(histogram: Mapping[int, int], fraction: float) -> Cell:
    found = percentile(histogram, fraction)
    return Cell("–", "") if found is None else count(round(found))


def _duration(histogram: Mapping[int, int], fraction: float) -> Cell:
    found = percentile(histogram, fraction)
    return Cell("–", "") if found is None else Cell(formats.duration(round(found)), str(round(found)))
