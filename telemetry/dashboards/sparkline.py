"""A small line of a figure's history, as the points of an SVG polyline. Pure."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 120
HEIGHT = 28
_INSET = 2


def polyline(values: Sequence[float | None]) -> str:
    """`x,y` pairs from left to right, the largest value on top, zero at the foot; None is left out.

    Empty where fewer than two values are known.
    """
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    top = max(value for _, value in known) or 1.0
    across = WIDTH / (len(values) - 1)
    room = HEIGHT - 2 * _INSET
    return " ".join(f"{index * across:.1f},{HEIGHT - _INSET - room * value / top:.1f}" for index, value in known)
