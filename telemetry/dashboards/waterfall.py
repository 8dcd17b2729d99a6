"""From a usual day to this one: what volume, mix, tokens a run and price add. A figure and its sentence. Pure."""

from __future__ import annotations

from telemetry.dashboards import colours, formats
from telemetry.dashboards.charts import Figure
from telemetry.dashboards.tables import Cell, Column, Row, Table
from telemetry.outlook.decomposition import CellChange

STEPS = (  # and how an axis says them
    ("Usual day", "Usual<br>day"),
    ("Volume", "Volume"),
    ("Mix", "Mix"),
    ("Tokens a run", "Tokens<br>a run"),
    ("Price", "Price"),
    ("This day", "This<br>day"),
)
_DAY_SLOT, _MORE_SLOT, _LESS_SLOT = 0, 6, 3


def figure(whole: CellChange) -> Figure:
    """Bars that begin where the one before ended, in dollars."""
    bars, at = [], whole.before_nanousd
    for (name, _), part in zip(STEPS[1:-1], whole.effects, strict=True):
        bars.append((name, at, part))
        at += part
    ends = [(STEPS[0][0], 0, whole.before_nanousd), (STEPS[-1][0], 0, whole.after_nanousd)]
    more, less = [bar for bar in bars if bar[2] > 0], [bar for bar in bars if bar[2] <= 0]
    traces = [_bars("Cost of a day", _DAY_SLOT, ends, is_signed=False)]
    traces += [_bars("Adds", _MORE_SLOT, more, is_signed=True)] if more else []
    traces += [_bars("Saves", _LESS_SLOT, less, is_signed=True)] if less else []
    return {"data": traces, "layout": _layout()}


def summary(whole: CellChange, *, days: int, so_far: bool) -> str:
    """One sentence that says what the chart shows to somebody who does not see it."""
    parts = zip(("volume", "mix", "tokens a run", "price"), whole.effects, strict=True)
    made_of = ", ".join(f"{name} {signed(part)}" for name, part in parts)
    now = f"{formats.usd(whole.after_nanousd)}{' so far' if so_far else ''}"
    before = f"{formats.usd(whole.before_nanousd)} on a day of the {formats.counted(days, 'day', 'days')} before"
    return f"{now}, against {before}: {signed(whole.effects.total)}, of which {made_of}."


def table(whole: CellChange) -> Table:
    """The figure's numbers."""
    costs = (whole.before_nanousd, *whole.effects, whole.after_nanousd)
    ends = (STEPS[0], STEPS[-1])
    rows = [
        Row(
            (
                Cell(step[0], step[0], words=True),
                Cell(formats.usd(cost) if step in ends else signed(cost), formats.exact_usd(cost)),
            )
        )
        for step, cost in zip(STEPS, costs, strict=True)
    ]
    return Table((Column("step", "Step", "text"), Column("cost_usd", "Cost")), tuple(rows))


def signed(nanousd: int) -> str:
    """+$1.20; less than half a cent is said to be that, for its exact digits say nothing."""
    if 0 < abs(nanousd) < formats.NANO // 200:
        return f"{formats.MINUS if nanousd < 0 else '+'}<$0.01"
    return formats.signed_usd(nanousd)


def _bars(name: str, slot: int, bars: list[tuple[str, int, int]], *, is_signed: bool) -> Figure:
    words = [signed(size) if is_signed else formats.usd(size) for _, _, size in bars]
    return {
        "type": "bar",
        "name": name,
        "x": [step for step, _, _ in bars],
        # The one place where money becomes a float: where a bar stands on a screen. Upward, also what fell: its words
        # then stand above it, and not on those of the axis.
        "base": [min(at, at + size) / formats.NANO for _, at, size in bars],
        "y": [abs(size) / formats.NANO for _, _, size in bars],
        "text": words,
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": words,
        "hovertemplate": "%{customdata}",
        "marker": {"color": colours.colour(slot), "line": {"width": 0}},
        "meta": {"slot": slot},
    }


def _layout() -> Figure:
    return {
        "barmode": "overlay",
        "bargap": 0.35,
        "showlegend": False,
        "hovermode": "closest",
        "margin": {"l": 56, "r": 8, "t": 24, "b": 48},
        "xaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [name for name, _ in STEPS],
            "tickmode": "array",
            "tickvals": [name for name, _ in STEPS],
            "ticktext": [words for _, words in STEPS],
            "tickangle": 0,
            "fixedrange": True,
        },
        "yaxis": {
            "type": "linear",
            "rangemode": "tozero",
            "fixedrange": True,
            "tickprefix": "$",
            "exponentformat": "B",
            "separatethousands": True,
        },
    }
