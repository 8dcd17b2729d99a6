"""How likely something is by chance: Student's t, many looks at once, and slopes. Pure.

Sources: Wallace 1959 (t as a normal deviate), Benjamini and Hochberg 1995, Theil 1950 and Sen 1968, Kendall 1938.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import copysign, log1p, sqrt
from statistics import NormalDist, median

_NORMAL = NormalDist()
_HALVINGS = 16
USUAL_Z = _NORMAL.inv_cdf(0.975)  # nineteen of twenty lie within


def student_p(t: float, freedom: float) -> float:
    """How likely a value above `t` is (of Student's t with so many degrees of freedom, 1 or more)."""
    n = 8 * freedom
    return _NORMAL.cdf(-copysign((n + 1) / (n + 3) * sqrt(freedom * log1p(t * t / freedom)), t))


def false_discovery(p_values: Sequence[float]) -> list[float]:
    """The q of each p, in their order: the share of false ones among all that are called unusual if this one is."""
    count, least = len(p_values), 1.0
    found = [1.0] * count
    for rank, place in enumerate(sorted(range(count), key=p_values.__getitem__, reverse=True)):
        least = min(least, p_values[place] * count / (count - rank))
        found[place] = least
    return found


def solved(falling: Callable[[float], float], *, target: float, highest: float) -> float:
    """Where in [0, highest] a falling function has come down to `target`; 0 where it never was above."""
    if falling(0.0) <= target:
        return 0.0
    low, high = 0.0, highest
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > target else (low, middle)
    return high


def slope(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """How much the second number of points grows with the first, as the median over all pairs, and Kendall's p of no
    growth at all. The first numbers differ; three points or more."""
    slopes, sign = [], 0
    for place, (x, y) in enumerate(points):
        for other_x, other_y in points[:place]:
            grown = (y - other_y) / (x - other_x)
            slopes.append(grown)
            sign += int(copysign(1, grown)) if grown else 0
    n = len(points)
    spread = sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return median(slopes), 2 * _NORMAL.cdf(-max(0, abs(sign) - 1) / spread)
