"""Histograms whose bins grow by a quarter of a doubling, and what percentiles can be read from them. Pure.

Bin 0 holds 0; bin n holds the whole numbers from 2^((n-1)/4) to below 2^(n/4). Histograms add up without loss. What is
read from one differs from a value that was counted there by a factor of at most 2^(1/8), which is 9.1 %.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil, isqrt

BINS_A_DOUBLING = 4
ERROR = 2 ** (1 / 8) - 1  # of a percentile, relative
_LARGEST = 2**63 - 1


def _root(power: int) -> int:
    """The least whole number that is not below 2^(power/4)."""
    root = isqrt(isqrt(2**power))
    return root if root**4 == 2**power else root + 1


EDGES: tuple[int, ...] = tuple(edge for power in range(252) if (edge := _root(power)) <= _LARGEST)


def bin_of(value: int) -> int:
    """The bin of a count that is not negative: as many as there are edges up to it."""
    return bisect_right(EDGES, value)


def merged(histograms: Iterable[tuple[Sequence[int], Sequence[int]]]) -> Counter[int]:
    """The sum of histograms, each given as its bins and how many are in each."""
    total: Counter[int] = Counter()
    for bins, counts in histograms:
        for place, count in zip(bins, counts, strict=True):
            total[place] += count
    return total


def percentile(histogram: Mapping[int, int], fraction: float) -> float | None:
    """The least value that at least `fraction` (above 0, at most 1) of those counted do not exceed, within ERROR; None
    where nothing was counted."""
    exact = Fraction(fraction).limit_denominator(1_000_000)  # 0.1 of 30 is 3, not a little more
    wanted = ceil(exact * sum(histogram.values()))
    counted = 0
    for place in sorted(histogram):
        counted += histogram[place]
        if histogram[place] and counted >= wanted:
            return _middle(place)
    return None


def _middle(place: int) -> float:
    """What stands for a bin: where its bounds differ from it by the same factor; where it holds one value, that."""
    if place == 0:
        return 0.0
    low, high = EDGES[place - 1], EDGES[place] if place < len(EDGES) else _LARGEST + 1
    if high - low <= 1:
        return float(low)
    return float(2 ** ((2 * place - 1) / (2 * BINS_A_DOUBLING)))
