"""Bounds that hold as often as they promise, also while what is bounded drifts: adaptive conformal inference over the
last residuals. Pure.

A score is how far a run was from what was expected of it, in its own unit of spread. The bound of the next one is a
quantile of the last 500 scores, at a level that moves a little after each run: up where the run was above its bound,
down where not, so that in the long run the promised share is above, whatever the scores do. While there are few scores
it moves less: one of thirty that is above its bound says little of where that should be. Source: Gibbs and Candès,
arXiv 2106.00170; gamma and the pool: methods.md §4.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime
from statistics import NormalDist

POOL = 500
GAMMA = 0.02
_FULL_STEPS = 200  # scores, from which on the level moves by gamma
_PRIOR = 60  # scores that a normal distribution counts for, less and less until the pool is full
_NORMAL = NormalDist()
_EDGE = 0.0005


@dataclass(slots=True)
class Pool:
    """The last scores, oldest first, when each came about, and the shares that are now let above the two bounds."""

    scores: list[float] = field(default_factory=list)
    ats: list[datetime] = field(default_factory=list)
    above_q50: float = 0.5
    above_q90: float = 0.1
    _ordered: list[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._ordered = sorted(self.scores)

    def score_at(self, level: float) -> float:
        """The score that a share `level` of the next ones is not above: where the two bounds were moved to, and in
        proportion between them."""
        return self._quantile(self._moved(level))

    def add(self, score: float, at: datetime) -> None:
        """Take in what became of a run; one older than all that a full pool holds says nothing of the next."""
        if len(self.scores) >= POOL and at < self.ats[0]:
            return
        if self.scores:
            step = GAMMA * min(1.0, (len(self.scores) + 1) / _FULL_STEPS)
            self.above_q50 = _adapted(self.above_q50, 0.5, step, is_above=score > self.score_at(0.5))
            self.above_q90 = _adapted(self.above_q90, 0.1, step, is_above=score > self.score_at(0.9))
        place = len(self.ats)
        while place and self.ats[place - 1] > at:
            place -= 1
        self.ats.insert(place, at)
        self.scores.insert(place, score)
        insort(self._ordered, score)
        if len(self.scores) > POOL:
            self.ats.pop(0)
            self._ordered.remove(self.scores.pop(0))

    def _moved(self, level: float) -> float:
        """Where a level lies once the two bounds have moved."""
        half, most = 1 - self.above_q50, 1 - self.above_q90
        most = max(half, most)
        if level <= 0.5:
            return level / 0.5 * half
        if level <= 0.9:
            return half + (level - 0.5) / 0.4 * (most - half)
        return most + (level - 0.9) / 0.1 * max(0.0, 1 - most)

    def _quantile(self, level: float) -> float:
        """Of the scores, and of a normal distribution as if it were some of them; beyond the largest, a unit more for
        each step that the level is above one."""
        normal = _NORMAL.inv_cdf(min(max(level, _EDGE), 1 - _EDGE))
        count = len(self._ordered)
        if not count:
            return normal
        rank = level * (count + 1) - 1
        low = min(max(int(rank), 0), count - 1)
        high = min(low + 1, count - 1)
        own = self._ordered[low] + min(max(rank - low, 0.0), 1.0) * (self._ordered[high] - self._ordered[low])
        own += max(0.0, level - 1) / GAMMA
        prior = _PRIOR * max(0.0, 1 - count / POOL)
        return (count * own + prior * normal) / (count + prior)


def _adapted(above: float, promised: float, step: float, *, is_above: bool) -> float:
    """The share that is let above a bound after one more run. It may leave [0, 1] no further than a full step."""
    moved = above + step * (promised - (1.0 if is_above else 0.0))
    return min(max(moved, -GAMMA), 1 - promised / 2)
