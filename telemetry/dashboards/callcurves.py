"""How the context of a run or a session grew and what it had cost, call by call: figures and their twins. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.dashboards import charts, colours, formats
from telemetry.dashboards.charts import Figure
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.runtables import moment
from telemetry.dashboards.tables import Cell, Column, Row, Table
from telemetry.series.run_rows import Point

MAX_TICKS = 6
MAIN, SUBAGENTS, SPENT = "Main conversation", "Sub-agents", "Cost so far"
_MAIN_SLOT, _SUBAGENT_SLOT, _SPENT_SLOT = 1, 6, 3
_CALL = Column("call", "Call", "text", hint="The place of the call, by their own time")
_AT = Column("started_at", "Started", "text")


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart: at the call of each number a value, in tokens or nano-dollars, and what it says."""

    name: str
    slot: int
    numbers: tuple[int, ...]
    values: tuple[int, ...]
    words: tuple[str, ...]
    dots: bool = False


def contexts(points: Sequence[Point]) -> list[Curve]:
    """The input of each call, the main conversation's as a line, sub-agents' as dots, since several go on at once."""
    curves = []
    for name, slot, is_subagent in ((MAIN, _MAIN_SLOT, False), (SUBAGENTS, _SUBAGENT_SLOT, True)):
        own = [point for point in points if point.is_subagent == is_subagent]
        if own:
            words = tuple(f"{formats.whole(point.context)} tokens{_of(point)}" for point in own)
            numbers, values = tuple(point.number for point in own), tuple(point.context for point in own)
            curves.append(Curve(name, slot, numbers, values, words, dots=is_subagent))
    return curves


def spending(points: Sequence[Point]) -> list[Curve]:
    """What all calls up to each had cost."""
    spent = _so_far(points)
    words = tuple(formats.usd(value) for value in spent)
    return [Curve(SPENT, _SPENT_SLOT, tuple(point.number for point in points), spent, words)]


def figure(curves: Sequence[Curve], *, is_money: bool) -> Figure:
    """Curves over the calls' numbers."""
    last = max((curve.numbers[-1] for curve in curves), default=1)
    return {
        "data": [_trace(curve, is_money=is_money) for curve in curves],
        "layout": {
            "showlegend": len(curves) > 1,
            "hovermode": "x unified",
            "margin": {"l": 56, "r": 16, "t": 12, "b": 32},
            "legend": {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top", "traceorder": "normal"},
            "xaxis": {
                "type": "linear",
                "tickmode": "array",
                "tickvals": (ticks := _ticks(last)),
                "ticktext": [formats.whole(tick) for tick in ticks],
                "tickangle": 0,
                "showspikes": False,
                "unifiedhovertitle": {"text": "Call %{x}"},
                "fixedrange": True,
            },
            "yaxis": {
                "type": "linear",
                "rangemode": "tozero",
                "fixedrange": True,
                "tickprefix": "$" if is_money else "",
                "exponentformat": "B",
                "separatethousands": True,
            },
        },
    }


def context_table(points: Sequence[Point], state: PageState) -> Table:
    """The points of the contexts' chart."""
    columns = (_CALL, _AT, Column("who", "Who", "text"), Column("input", "Context"), Column("calls", "Calls"))
    rows = tuple(
        Row(
            (
                _number(point.number),
                moment(point.at, state),
                Cell(name := SUBAGENTS if point.is_subagent else MAIN, name, words=True),
                _number(point.context),
                _number(point.calls),
            )
        )
        for point in points
    )
    return Table(columns, rows)


def spending_table(points: Sequence[Point], state: PageState) -> Table:
    """The points of the costs' chart."""
    rows = tuple(
        Row((_number(point.number), moment(point.at, state), Cell(formats.usd(spent), formats.exact_usd(spent))))
        for point, spent in zip(points, _so_far(points), strict=True)
    )
    return Table((_CALL, _AT, Column("cost_usd", "Cost so far")), rows)


def context_summary(points: Sequence[Point]) -> str:
    """One sentence that says what the chart of contexts shows to somebody who does not see it."""
    parts = []
    for name, is_subagent in ((MAIN, False), (SUBAGENTS, True)):
        own = [point for point in points if point.is_subagent == is_subagent]
        if own:
            largest = max(own, key=lambda point: point.context)
            parts.append(
                f"{name}: {formats.compact(own[0].context)} tokens at call {formats.whole(own[0].number)}, "
                f"most {formats.compact(largest.context)} at call {formats.whole(largest.number)}, "
                f"{formats.compact(own[-1].context)} at the end"
            )
    most = max((point.calls for point in points), default=1)
    note = f" Each point is the largest of up to {most} calls in a row." if most > 1 else ""
    return "; ".join(parts) + "." + note


def spending_summary(points: Sequence[Point], unpriced_calls: int) -> str:
    """One sentence that says what the chart of costs shows."""
    spent = _so_far(points)
    calls = sum(point.calls for point in points)
    words = f"{formats.usd(spent[-1])} after {formats.whole(calls)} calls"
    half = next((point for point, so_far in zip(points, spent, strict=True) if 2 * so_far >= spent[-1]), points[-1])
    words += f", half of it by call {formats.whole(half.number)}" if spent[-1] else ""
    return (
        f"{words}, without {formats.whole(unpriced_calls)} whose price is not known." if unpriced_calls else f"{words}."
    )


def _trace(curve: Curve, *, is_money: bool) -> Figure:
    colour = colours.colour(curve.slot)
    # Money becomes a float only here: the height of a point on a screen.
    heights = [value / formats.NANO if is_money else value for value in curve.values]
    drawn: Figure = {"line": {"width": 1.75, "color": colour}} if not curve.dots else {}
    return {
        "type": "scatter",
        "mode": "markers" if curve.dots or len(curve.numbers) == 1 else "lines",
        "name": charts.escape(curve.name),
        "x": list(curve.numbers),
        "y": heights,
        "customdata": list(curve.words),
        "hovertemplate": "%{customdata}",
        "marker": {"color": colour, "size": 5},
        "meta": {"slot": curve.slot},
        **drawn,
    }


def _ticks(last: int) -> list[int]:
    """Round numbers of calls, the first and the last one among them."""
    step = 1
    while last / step > MAX_TICKS:
        step = step * 10 // 4 if str(step).startswith("2") else step * 2
    inner = [number for number in range(step, last, step) if last - number >= step / 2]
    return [*([1] if step > 1 or last == 1 else []), *inner, *([last] if last > 1 else [])]


def _so_far(points: Sequence[Point]) -> tuple[int, ...]:
    spent, values = 0, []
    for point in points:
        spent = max(spent, point.spent_nanousd)
        values.append(spent)
    return tuple(values)


def _of(point: Point) -> str:
    return f", the most of {point.calls} calls" if point.calls > 1 else ""


def _number(number: int) -> Cell:
    return Cell(formats.whole(number), str(number))
