"""A series over days, and the bands that are usual for it: a figure, its sentence and its twin. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from telemetry.dashboards import colours, formats
from telemetry.dashboards.charts import Figure
from telemetry.dashboards.tables import Cell, Column, Row, Table
from telemetry.outlook.verdicts import Verdict

MAX_TICKS = 8
LONG, SHORT, VALUE, UNUSUAL = "Usual, 30 days", "Usual, 7 days", "The day", "Unusual"
_LONG_SLOT, _SHORT_SLOT, _VALUE_SLOT, _UNUSUAL_SLOT = 0, 5, 8, 6
_STATES = {"learning": "learning", "usual": "usual", "flagged": "unusual"}
COLUMNS = (
    Column("day", "Day", "text"),
    Column("value", "Value"),
    Column("baseline_30", "30 days", hint="What the thirty days before make likely"),
    Column("low_30", "from", hint="Nineteen of twenty days lie above"),
    Column("high_30", "to", hint="Nineteen of twenty days lie below"),
    Column("level_7", "7 days", hint="The median of the seven days before"),
    Column("low_7", "from"),
    Column("high_7", "to"),
    Column("times", "Times", hint="The value over what thirty days make likely"),
    Column("state", "State", "text"),
)


@dataclass(frozen=True, slots=True)
class Course:
    """What a series came to on each of some days, the oldest first; None: nothing was said of the day. The last day may
    still run."""

    days: tuple[date, ...]
    verdicts: tuple[Verdict | None, ...]
    runs_on: bool

    @property
    def last(self) -> Verdict | None:
        """What is said of the last day."""
        return self.verdicts[-1] if self.verdicts else None


def course(verdicts: Sequence[Verdict], *, days: Sequence[date], runs_on: bool) -> Course:
    """A series' verdicts of one kind, each at its day."""
    known = {one.day: one for one in verdicts}
    return Course(tuple(days), tuple(known.get(day) for day in days), runs_on)


def figure(of: Course) -> Figure:
    """Two bands, a line through the days, and a sign on those that are unusual."""
    bands = [
        *_band(of, LONG, _LONG_SLOT, lambda one: (one.low_30, one.high_30)),
        *_band(of, SHORT, _SHORT_SLOT, lambda one: (one.low_7, one.high_7)),
    ]
    unusual = [one for one in of.verdicts if one is not None and one.is_flagged and one.value is not None]
    signs = [_points(UNUSUAL, _UNUSUAL_SLOT, unusual, symbol="diamond", size=11)] if unusual else []
    valued = [one for one in of.verdicts if one is not None and one.value is not None]
    return {"data": [*bands, _line(of, valued), *signs], "layout": _layout(of)}


def summary(of: Course, one: str, many: str) -> str:
    """One sentence that says what the chart shows to somebody who does not see it; `one` and `many` of its unit."""
    last, so_far = of.last, " so far" if of.runs_on else ""
    unit = one if last is not None and last.value == 1 else many
    said = f"{formats.day(of.days[-1])}{so_far}: "
    if last is None or last.value is None:
        said += "no run"
    elif last.baseline is None:
        said += f"{number(last.value)} {unit}; what is usual is still being learnt"
    else:
        said += f"{number(last.value)} {unit}, usually {between(last.low_30, last.high_30)} by thirty days"
        said += f" and {between(last.low_7, last.high_7)} by seven"
    unusual = sum(said_of is not None and said_of.is_flagged for said_of in of.verdicts)
    return f"{said}. {formats.counted(unusual, 'day', 'days')} of {len(of.days)} unusual."


def table(of: Course) -> Table:
    """The figure's numbers, the newest day first."""
    rows = [_row(day, one) for day, one in zip(of.days, of.verdicts, strict=True)]
    return Table(COLUMNS, tuple(reversed(rows)))


def number(value: float | None) -> str:
    """Tokens or runs as people read them."""
    if value is None:
        return "\N{EN DASH}"
    return formats.compact(round(value)) if value >= 100 or value == int(value) else f"{value:.1f}"


def between(low: float | None, high: float | None) -> str:
    """From where to where."""
    return "\N{EN DASH}" if low is None or high is None else f"{number(low)} to {number(high)}"


def name_of(day: date) -> str:
    """Fri 27 Nov."""
    return f"{day:%a} {day.day} {day:%b}"


def _band(
    of: Course, name: str, slot: int, edges: Callable[[Verdict], tuple[float | None, float | None]]
) -> list[Figure]:
    """An area between two lines, over the days that have it."""
    known = [(one, low, high) for one in of.verdicts if one for low, high in [edges(one)] if low is not None]
    if not known:
        return []
    days = [name_of(one.day) for one, _, _ in known]
    words = [between(low, high) for _, low, high in known]
    colour = colours.colour(slot)
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": days,
        "line": {"width": 0, "color": colour},
        "marker": {"color": colour},
        "meta": {"slot": slot},
        "legendgroup": name,
    }
    low_line = {**line, "y": [low for _, low, _ in known], "hoverinfo": "skip", "showlegend": False}
    high_line = {**line, "y": [high for _, _, high in known], "fill": "tonexty", "fillcolor": colour, "name": name}
    return [low_line, high_line | {"customdata": words, "hovertemplate": "%{customdata}"}]


def _line(of: Course, valued: Sequence[Verdict]) -> Figure:
    """The days themselves; the one that still runs is an empty circle."""
    trace = _points(VALUE, _VALUE_SLOT, valued, symbol="circle", size=5)
    running = of.runs_on and bool(valued) and valued[-1].day == of.days[-1]
    symbols = ["circle"] * (len(valued) - running) + ["circle-open"] * running
    marker = trace["marker"] | {"symbol": symbols}
    return trace | {"mode": "lines+markers", "marker": marker, "line": {"width": 1.5, "color": marker["color"]}}


def _points(name: str, slot: int, verdicts: Sequence[Verdict], *, symbol: str, size: int) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [name_of(one.day) for one in verdicts],
        "y": [one.value for one in verdicts],
        "customdata": [number(one.value) for one in verdicts],
        "hovertemplate": "%{customdata}",
        "marker": {"color": colours.colour(slot), "size": size, "symbol": symbol},
        "cliponaxis": False,
        "meta": {"slot": slot},
    }


def _layout(of: Course) -> Figure:
    step = -(-len(of.days) // MAX_TICKS)
    ticks = of.days[(len(of.days) - 1) % step :: step]
    return {
        "showlegend": True,
        "hovermode": "x unified",
        "margin": {"l": 56, "r": 16, "t": 12, "b": 32},
        "legend": {"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top", "traceorder": "normal"},
        "xaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [name_of(day) for day in of.days],
            "range": [-1, len(of.days)],
            "tickmode": "array",
            "tickvals": [name_of(day) for day in ticks],
            "ticktext": [f"{day.day} {day:%b}" for day in ticks],
            "tickangle": 0,
            "showspikes": False,
            "fixedrange": True,
        },
        "yaxis": {
            "type": "linear",
            "rangemode": "tozero",
            "fixedrange": True,
            "exponentformat": "B",
            "separatethousands": True,
        },
    }


def _row(day: date, one: Verdict | None) -> Row:
    figures = (None,) * 8 if one is None else (one.value, one.baseline, one.low_30, one.high_30, one.level, one.low_7)
    figures = figures if one is None else (*figures, one.high_7)
    cells = [Cell(number(value), "" if value is None else f"{value:.10g}") for value in figures[:7]]
    effect = one.effect if one else None
    state = _STATES[one.state] if one else "no run"
    return Row(
        (
            Cell(name_of(day), day.isoformat(), words=True),
            *cells,
            Cell("\N{EN DASH}" if effect is None else f"{effect:.2f}", "" if effect is None else f"{effect:.4f}"),
            Cell(state, state, words=True, state="bad" if one and one.is_flagged else ""),
        )
    )
