"""How likely something is by chance: Student's t, many looks at once, and slopes. Pure.

Sources: Wallace 1959 (t as a normal deviate), Benjamini and Hochberg 1995, Theil 1950 and Sen 1968, Kendall 1938.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from math import copysign, log1p, sqrt
from statistics import NormalDist, median

_NORMAL = NormalDist()
_STEPS, _NEAR_ENOUGH = 60, 1e-3
USUAL_Z = _NORMAL.inv_cdf(0.975)  # nineteen of twenty lie within


def student_p(t: float, freedom: float) -> float:
    """How likely a value above `t` is (of Student's t with so many degrees of freedom, 1 or more)."""
    n = 8 * freedom
    return _NORMAL.cdf(-copysign((n + 1) / (n + 3) * sqrt(freedom * log1p(t * t / freedom)), t))


def false_discovery(p_values: Sequence[float], families: Sequence[Hashable] = ()) -> list[float]:
    """The q of each p, in their order: the share of false ones among all that are called unusual if this one is. Each
    of `families`, one for each p, has its part of what may be false, by its size: what one cause makes unusual in
    several of them lets nothing else pass, and over all of them no more is false than if they were one."""
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place in range(len(p_values)):
        places[families[place] if families else None].append(place)
    found = [1.0] * len(p_values)
    for family in places.values():
        least = 1.0
        for rank, place in enumerate(sorted(family, key=p_values.__getitem__, reverse=True)):
            least = min(least, p_values[place] * len(p_values) / (len(family) - rank))
            found[place] = least
    return found


def solved(falling: Callable[[float], float], *, target: float, highest: float) -> float:
    """Where in [0, highest] a falling function has come down to `target`; 0 where it never was above. By the secant,
    with the Illinois rule."""
    low, high = 0.0, highest
    above, below = falling(low) - target, falling(high) - target
    if above <= 0:
        return 0.0
    if below >= 0:
        return high
    found, kept = high, 0
    for _ in range(_STEPS):
        found = high - below * (high - low) / (below - above)
        off = falling(found) - target
        if abs(off) <= _NEAR_ENOUGH * target:
            break
        if off > 0:
            low, above, below, kept = found, off, below / 2 if kept > 0 else below, 1
        else:
            high, below, above, kept = found, off, above / 2 if kept < 0 else above, -1
    return found


def slope(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """How much the second number of points grows with the first, as the median over all pairs, and Kendall's p of no
    growth at all. The first numbers differ; three points or more."""
    slopes = sorted(
        [(y - other_y) / (x - other_x) for place, (x, y) in enumerate(points) for other_x, other_y in points[:place]]
    )
    sign = len(slopes) - bisect_right(slopes, 0.0) - bisect_left(slopes, 0.0)
    n = len(points)
    spread = sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return median(slopes), 2 * _NORMAL.cdf(-max(0, abs(sign) - 1) / spread)
