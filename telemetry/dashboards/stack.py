"""A series cut into what a stacked chart can show: the models that matter, and Other, bucket by bucket. Pure.

The chart, its table twin and its one-sentence summary are all made from the same `Stack`, so they cannot disagree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from telemetry.contracts import UsageRow
from telemetry.dashboards import colours, formats, sums
from telemetry.series.window import Window

Metric = Literal["tokens", "cost", "calls", "loads"]
MAX_SERIES = 8
OTHER = "Other"


class Point(Protocol):
    """Sums of one group in the bucket that begins at `at` (UTC): what the series answers with."""

    @property
    def at(self) -> datetime: ...
    @property
    def usage(self) -> UsageRow: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """One series: a value for each bucket, in tokens, nano-dollars, calls or loads; `slot` is its colour, `title` its
    name in the legend, where that says more."""

    name: str
    slot: int
    values: tuple[int, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers over buckets. `labels` name the buckets, `starts` begin them; the one that `runs` still grows."""

    metric: Metric
    window: Window
    starts: tuple[datetime, ...]
    labels: tuple[str, ...]
    layers: tuple[Layer, ...]
    runs: int | None

    @property
    def totals(self) -> tuple[int, ...]:
        """The sum of each bucket."""
        return tuple(sum(column) for column in zip(*(layer.values for layer in self.layers), strict=True))


def pile(
    points: Sequence[Point], *, window: Window, metric: Metric, now: datetime, settled: Mapping[str, int]
) -> Stack:
    """The stack of a series by one dimension. `settled` names have their colours already.

    A stack of costs leaves out what has no price at all: nothing is shown as free because its price is not known.
    """
    groups = sums.by_key(point.usage for point in points)
    if metric == "cost":
        groups = {key: row for key, row in groups.items() if row.unpriced_calls < row.calls}
        points = [point for point in points if point.usage.key in groups]
    starts = tuple(window.edges())
    place = {start: index for index, start in enumerate(starts)}
    shown = sums.most_telling(groups, limit=MAX_SERIES)
    slots = colours.slots(shown, settled)
    values = {name: [0] * len(starts) for name in shown}
    rest = [0] * len(starts)
    hidden = False
    for point in points:
        hidden = hidden or point.usage.key not in values
        values.get(point.usage.key, rest)[place[point.at]] += measure(point.usage, metric)
    layers = [Layer(name or formats.UNSET, slots[name], tuple(values[name])) for name in shown]
    if hidden:
        layers.append(Layer(OTHER, colours.OTHER_SLOT, tuple(rest)))
    labels = tuple(formats.bucket_labels(starts, window))
    runs = bisect_right(starts, now) - 1 if window.start <= now <= window.end else None
    return Stack(metric, window, starts, labels, tuple(layers), runs)


def measure(row: UsageRow, metric: Metric) -> int:
    """Tokens, nano-dollars, calls, or loads of skills, which are counted as calls are."""
    if metric in ("calls", "loads"):
        return row.calls
    return row.cost_nanousd if metric == "cost" else row.tokens


def amount(number: int, metric: Metric) -> str:
    """A measure in words: 12.3M tokens, $4.20, 17 calls."""
    if metric == "calls":
        return formats.counted(number, "call", "calls")
    if metric == "loads":
        return formats.counted(number, "load", "loads")
    return formats.usd(number) if metric == "cost" else f"{formats.compact(number)} tokens"


def summary(stack: Stack, *, before: int | None, unpriced_calls: int = 0) -> str:
    """One sentence that says what the chart shows to somebody who does not see it."""
    total = sum(stack.totals)
    parts = [f"{amount(total, stack.metric)}, {formats.span(stack.window)}"]
    if before is not None and total:
        moved = formats.change(total, before)
        parts.append("nothing before" if moved.direction == "new" else f"{moved.text} against the period before")
    if total:
        highest = max(range(len(stack.totals)), key=lambda index: stack.totals[index])
        label = stack.labels[highest].replace("Week", "week")
        parts.append(f"highest {label} with {amount(stack.totals[highest], stack.metric)}")
        leading = sorted(stack.layers, key=lambda layer: -sum(layer.values))[:3]
        named = [(formats.straight(layer.name), formats.percent(sum(layer.values), total)) for layer in leading]
        parts.append(", ".join(f"{name} {share}%" for name, share in named))
    if unpriced_calls and stack.metric == "cost":
        parts.append(f"without {formats.whole(unpriced_calls)} calls whose price is not known")
    return "; ".join(parts) + "."
