"""How much series vary, learnt from all of a kind at once: one alone has too few days to say it well. Pure.

What is unusual for a series depends on how much its days usually differ, and thirty days know that only to a quarter.
Series of a project are alike in it more or less; how much is learnt from them, too. Where they are alike, the common
variance counts for as much as many days; where they are not, each has its own. Source: Smyth 2004 (moderated t).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

FARTHEST = 4.0  # a day counts as two standard deviations at most:
EXPECTED, VARIES = 0.92, 1.46  # what is then left of a square, and the variance of such a square, by its mean's
_UNLIKE, _AS_SERIES = 0.5, 4.0  # the variance of variances before any are known, and how many series that counts for


class Spread(NamedTuple):
    """A variance as a multiple of what was assumed, and with how many degrees of freedom it is known."""

    times: float
    freedom: float


def common(own: Sequence[Spread]) -> Spread:
    """What series have in common, and how many degrees of freedom that is worth beside a series' own."""
    known = [one for one in own if one.freedom > 0]
    whole = sum(one.freedom for one in known)
    if not whole:
        return Spread(1.0, 2 / _UNLIKE)
    times = max(sum(one.times * one.freedom for one in known) / whole, 1e-6)
    apart = [(one.times / times - 1) ** 2 - VARIES / one.freedom for one in known]
    unlike = (max(0.0, fmean(apart)) * (len(known) - 1) + _UNLIKE * _AS_SERIES) / (len(known) - 1 + _AS_SERIES)
    return Spread(times, 2 / unlike)


def moderated(own: Spread, shared: Spread) -> Spread:
    """A series' own and what all have in common, each as much as it knows."""
    freedom = own.freedom + shared.freedom
    return Spread((own.times * own.freedom + shared.times * shared.freedom) / freedom, freedom)
