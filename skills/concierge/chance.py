"""How much a few counts can say. Pure: exact tails, so that small numbers do not shout."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEPS = 60


def tail(failed: int, runs: int, *, share: float, peers: float) -> float:
    """How likely so many of `runs` fail, or more, where about `share` of their `peers` do: beta-binomial, so that a
    share known from few peers is not taken for exact."""
    well, badly = 1 + (1 - share) * peers, 1 + share * peers
    least = math.lgamma(badly) + math.lgamma(well) - math.lgamma(badly + well)
    total = 0.0
    for count in range(failed, runs + 1):
        ways = math.lgamma(runs + 1) - math.lgamma(count + 1) - math.lgamma(runs - count + 1)
        found = math.lgamma(count + badly) + math.lgamma(runs - count + well) - math.lgamma(runs + badly + well)
        total += math.exp(ways + found - least)
    return min(1.0, total)


def most_expected(count: int, *, doubt: float = 0.05) -> float:
    """The largest mean for which as few as `count` events are no surprise (Poisson, one-sided): 3.0 for none."""
    low, high = float(count), count + 10 + 5 * math.sqrt(count + 1)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _poisson_up_to(count, middle) > doubt:
            low = middle
        else:
            high = middle
    return high


def _poisson_up_to(count: int, mean: float) -> float:
    return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))


def middle(values: Sequence[float]) -> float:
    """The median; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def spread(values: Sequence[float]) -> float:
    """How far values lie from their median, as a standard deviation that a few far ones do not move."""
    centre = middle(values)
    return 1.4826 * middle([abs(value - centre) for value in values])
