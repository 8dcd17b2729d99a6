"""Figures as plain dictionaries, which `static/charts.js` hands to Plotly. Pure; tests hold each to plotly.py.

Every word that came with the data is escaped, for Plotly reads its texts as HTML. Colours are those of a light page;
`meta.slot` tells the script which of the theme's colours to use instead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from telemetry.dashboards import colours, formats
from telemetry.dashboards.stack import Layer, Stack

Figure = dict[str, Any]
MAX_TICKS = 8
MAX_NAME = 42


def stacked_bars(stack: Stack) -> Figure:
    """Bars of each bucket, a colour a layer; a last bar that still grows is hatched and called so far."""
    return {"data": [_bars(stack, layer) for layer in stack.layers], "layout": _layout(stack)}


def escape(words: str) -> str:
    """Words as Plotly's pseudo-HTML prints them: a model named <b> is shown as <b>, and %{y} is no template."""
    clipped = formats.clipped(formats.straight(words), MAX_NAME)
    return clipped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%&#123;")


def _bars(stack: Stack, layer: Layer) -> Figure:
    money = stack.metric == "cost"
    # The one place where money becomes a float: the height of a bar on a screen.
    heights = [(value / formats.NANO if money else value) if value else None for value in layer.values]
    marker: Figure = {"color": colours.colour(layer.slot), "line": {"width": 0}}
    if stack.runs is not None:
        marker["pattern"] = {
            "shape": ["/" if index == stack.runs else "" for index in range(stack.runs + 1)],
            "fillmode": "overlay",
            "fgcolor": "#ffffff",
            "fgopacity": 0.55,
            "size": 7,
            "solidity": 0.25,
        }
    return {
        "type": "bar",
        "name": escape(layer.title or layer.name),
        "x": list(stack.labels),
        "y": heights,
        "marker": marker,
        "customdata": [formats.usd(value) if money else formats.whole(value) for value in layer.values],
        "hovertemplate": "%{customdata}",
        "meta": {"slot": layer.slot},
    }


def _layout(stack: Stack) -> Figure:
    step = -(-len(stack.starts) // MAX_TICKS)
    ticks = range((len(stack.starts) - 1) % step, len(stack.starts), step)
    return {
        "barmode": "stack",
        "bargap": 0.25 if len(stack.starts) < 120 else 0.1,
        "showlegend": True,
        "hovermode": "x unified",
        "margin": {"l": 56, "r": 8, "t": 24, "b": 32},
        "legend": {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top", "traceorder": "normal"},
        "xaxis": {
            "type": "category",
            "tickmode": "array",
            "tickvals": [stack.labels[index] for index in ticks],
            "ticktext": [_tick(stack, index) for index in ticks],
            "tickangle": 0,
            "showspikes": False,
            "unifiedhovertitle": {"text": "%{x}"},
            "fixedrange": True,
        },
        "yaxis": {
            "type": "linear",
            "rangemode": "tozero",
            "fixedrange": True,
            "tickprefix": "$" if stack.metric == "cost" else "",
            "exponentformat": "B",
            "separatethousands": True,
        },
        "annotations": _so_far(stack),
    }


def _so_far(stack: Stack) -> list[Figure]:
    """The words over the bucket that still runs."""
    if stack.runs is None or not any(stack.totals):
        return []
    place = {"x": stack.labels[stack.runs], "y": 1, "yref": "paper", "yanchor": "bottom"}
    return [{**place, "text": "so far", "showarrow": False, "font": {"size": 11}}]


def _tick(stack: Stack, index: int) -> str:
    """A short name of a bucket for the axis; its year stands below where the range is long."""
    window = stack.window
    local = stack.starts[index].astimezone(window.tz)
    if window.bucket in ("15m", "1h"):
        return f"{local:%H:%M}"
    words = f"{local.day} {local:%b}"
    return f"{words}<br>{local.year}" if window.end - window.start > timedelta(days=330) else words
