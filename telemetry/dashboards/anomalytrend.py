"""Anomalies by type over time: the chart, its sentence and its table, from one stack. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from telemetry.dashboards import formats
from telemetry.dashboards.stack import Layer, Stack
from telemetry.series.window import Window

# A type's colour is the same on every page and in every range.
SLOTS = {"context_bloat": 1, "expensive_task": 2, "duplicate_work": 3, "false_completion": 6, "inefficient_task": 4}


class Point(Protocol):
    """So many anomalies of a type, of runs that began in the bucket `at` (UTC)."""

    @property
    def at(self) -> datetime: ...
    @property
    def detector(self) -> str: ...
    @property
    def anomalies(self) -> int: ...


def pile(points: Iterable[Point], *, window: Window, titles: Mapping[str, str], now: datetime) -> Stack:
    """A layer a type that was found at all, in the order of `titles`."""
    starts = tuple(window.edges())
    found: Counter[tuple[str, datetime]] = Counter()
    for point in points:
        found[point.detector, point.at] += point.anomalies
    layers = [
        Layer(title, SLOTS.get(detector, 0), tuple(found[detector, start] for start in starts))
        for detector, title in titles.items()
        if any(found[detector, start] for start in starts)
    ]
    runs = bisect_right(starts, now) - 1 if window.start <= now <= window.end else None
    return Stack("tokens", window, starts, tuple(formats.bucket_labels(starts, window)), tuple(layers), runs)


def summary(stack: Stack) -> str:
    """One sentence that says what the chart shows to somebody who does not see it."""
    total = sum(stack.totals)
    highest = max(range(len(stack.totals)), key=lambda index: stack.totals[index])
    leading = sorted(stack.layers, key=lambda layer: -sum(layer.values))
    counted = formats.counted(total, "anomaly", "anomalies")
    return (
        f"{counted}, {formats.span(stack.window)}; most on {stack.labels[highest]}:"
        f" {formats.whole(stack.totals[highest])}; "
        + ", ".join(f"{layer.name} {formats.whole(sum(layer.values))}" for layer in leading)
        + "."
    )
