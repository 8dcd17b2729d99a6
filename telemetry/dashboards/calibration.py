"""How right forecasts are, as figures, sentences and tables: the curve of calibration, and coverage by day. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.dashboards import charts, colours, formats
from telemetry.dashboards.charts import Figure
from telemetry.dashboards.tables import Cell, Column, Row, Table, count
from telemetry.outlook import hindsight
from telemetry.outlook.hindsight import DayScores, Scores
from telemetry.series.window import Window, local_midnight

RIGHT, OBSERVED, BOUND, NAIVE = "If forecasts were right", "These runs", "Within q90", "Within mean × 1.5"
AIM = 90.0  # percent
MAX_TICKS = 8
_RIGHT_SLOT, _OURS_SLOT, _NAIVE_SLOT = 0, 1, 6
_NOTHING = Cell("–", "")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart, in percent; None where nothing is known."""

    name: str
    slot: int
    xs: tuple[float | str, ...]
    ys: tuple[float | None, ...]
    words: tuple[str, ...]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day or a week, and how the forecasts did that were made in it."""

    label: str
    tick: str
    day: str
    scores: Scores


def curve_figure(bins: Sequence[int]) -> Figure:
    """Expected against observed shares, beside the diagonal."""
    steps = tuple(100.0 * place / hindsight.STEPS for place in range(hindsight.STEPS + 1))
    shares = (0.0, *(100 * share for share in hindsight.curve(bins)), 100.0)
    observed = tuple(f"{share:.1f}%" for share in shares)
    lines = (
        Line(RIGHT, _RIGHT_SLOT, steps, steps, tuple(f"{step:g}%" for step in steps), dashed=True),
        Line(OBSERVED, _OURS_SLOT, steps, shares, observed),
    )
    ticks = [0, 25, 50, 75, 100]
    axis = {"type": "linear", "tickvals": ticks, "ticktext": [f"{tick}%" for tick in ticks]}
    return _figure(lines, axis | {"unifiedhovertitle": {"text": "Expected to come to no more: %{x}%"}})


def curve_summary(bins: Sequence[int]) -> str:
    """One sentence that says what the curve shows to somebody who does not see it."""
    n, off = sum(bins), hindsight.furthest(bins)
    return (
        "Across, which share of runs was expected to come to no more tokens; upward, which share did. "
        f"{formats.counted(n, 'run', 'runs')} that ended: the curve is {100 * off:.1f} points from right at most; "
        f"right forecasts of as many independent runs are {100 * hindsight.by_chance(n):.1f} points off once in twenty."
    )


def curve_table(bins: Sequence[int]) -> Table:
    """The points of the curve."""
    columns = (Column("expected_percent", "Expected"), Column("observed_percent", "Observed"), Column("runs", "Runs"))
    rows = []
    for place, share in enumerate(hindsight.curve(bins)):
        step = f"{100 * (place + 1) / hindsight.STEPS:g}"
        rows.append(
            Row(
                (
                    Cell(f"{step}%", step),
                    Cell(f"{100 * share:.1f}%", f"{100 * share:.1f}"),
                    count(sum(bins[: place + 1])),
                )
            )
        )
    return Table(columns, tuple(rows))


def buckets(days: Sequence[DayScores], window: Window) -> list[Bucket]:
    """The days or weeks of a window, oldest first, each with the sums of what was forecast in it."""
    starts = list(window.edges())
    parts: list[list[Scores]] = [[] for _ in starts]
    for one in days:
        place = bisect_right(starts, local_midnight(one.day, window.tz)) - 1
        parts[max(place, 0)].append(one.scores)
    labels = formats.bucket_labels(starts, window)
    found = []
    for label, start, part in zip(labels, starts, parts, strict=True):
        day = start.astimezone(window.tz).date()
        found.append(Bucket(label, f"{day.day} {day:%b}", day.isoformat(), hindsight.total(part)))
    return found


def coverage_figure(found: Sequence[Bucket]) -> Figure:
    """Which share of runs stayed within the bound and within the naive one, by bucket."""
    labels = tuple(bucket.label for bucket in found)
    lines = (
        Line("90%", _RIGHT_SLOT, labels, (AIM,) * len(found), ("90%",) * len(found), dashed=True),
        Line(NAIVE, _NAIVE_SLOT, labels, *_naive(found)),
        Line(BOUND, _OURS_SLOT, labels, *_ours(found)),
    )
    step = -(-len(found) // MAX_TICKS) or 1
    ticks = found[(len(found) - 1) % step :: step]
    axis = {"type": "category", "tickvals": [one.label for one in ticks], "ticktext": [one.tick for one in ticks]}
    return _figure(lines, axis | {"unifiedhovertitle": {"text": "%{x}"}})


def coverage_summary(whole: Scores) -> str:
    """One sentence that says what the chart of coverage shows."""
    words = f"{_percent(whole.within_q90, whole.scored)} of {formats.counted(whole.scored, 'run', 'runs')} within q90"
    if whole.with_naive:
        words += f", {_percent(whole.within_naive, whole.with_naive)} within one and a half times the mean before"
    return f"{words}; 90% is right, less is a bound that is too low and more one that is too high."


def coverage_table(found: Sequence[Bucket]) -> Table:
    """The points of the chart of coverage, newest first."""
    columns = (
        Column("day", "Day", "text"),
        Column("runs", "Runs that ended"),
        Column("within_q50_percent", "Within q50"),
        Column("within_q90_percent", "Within q90"),
        Column("within_naive_percent", NAIVE),
    )
    rows = tuple(
        Row((Cell(bucket.label, bucket.day, words=True), *share_cells(bucket.scores)))
        for bucket in reversed(found)
        if bucket.scores.scored
    )
    return Table(columns, rows)


def share_cells(one: Scores) -> tuple[Cell, ...]:
    """How many runs ended, and which shares of them stayed within the median, the bound and the naive one."""
    return (
        count(one.scored),
        share(one.within_q50, one.scored),
        share(one.within_q90, one.scored),
        share(one.within_naive, one.with_naive),
    )


def share(part: int, whole: int) -> Cell:
    """A share in percent; a dash of nothing."""
    return Cell(f"{formats.percent(part, whole)}%", formats.percent(part, whole)) if whole else _NOTHING


def _ours(found: Sequence[Bucket]) -> tuple[tuple[float | None, ...], tuple[str, ...]]:
    parts = [(bucket.scores.within_q90, bucket.scores.scored) for bucket in found]
    return _shares(parts), tuple(f"{_percent(part, whole)} of {whole:,}" for part, whole in parts)


def _naive(found: Sequence[Bucket]) -> tuple[tuple[float | None, ...], tuple[str, ...]]:
    parts = [(bucket.scores.within_naive, bucket.scores.with_naive) for bucket in found]
    return _shares(parts), tuple(f"{_percent(part, whole)} of {whole:,}" for part, whole in parts)


def _shares(parts: Sequence[tuple[int, int]]) -> tuple[float | None, ...]:
    return tuple(100 * part / whole if whole else None for part, whole in parts)


def _percent(part: int, whole: int) -> str:
    return f"{formats.percent(part, whole)}%" if whole else "none"


def _figure(lines: Sequence[Line], axis: Figure) -> Figure:
    return {
        "data": [_trace(line) for line in lines],
        "layout": {
            "showlegend": True,
            "hovermode": "x unified",
            "margin": {"l": 48, "r": 16, "t": 12, "b": 32},
            "legend": {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top", "traceorder": "normal"},
            "xaxis": {
                "tickmode": "array",
                "tickangle": 0,
                "showspikes": False,
                "fixedrange": True,
                "zeroline": False,
                **axis,
            },
            "yaxis": {"type": "linear", "range": [0, 103], "fixedrange": True, "ticksuffix": "%"},
        },
    }


def _trace(line: Line) -> Figure:
    colour = colours.colour(line.slot)
    return {
        "type": "scatter",
        "mode": "lines" if line.dashed else "lines+markers",
        "name": charts.escape(line.name),
        "x": list(line.xs),
        "y": list(line.ys),
        "customdata": list(line.words),
        "hovertemplate": "%{customdata}",
        "line": {"width": 1.25 if line.dashed else 1.75, "color": colour, "dash": "dot" if line.dashed else "solid"},
        "marker": {"color": colour, "size": 5},
        "meta": {"slot": line.slot},
    }
