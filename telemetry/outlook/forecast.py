"""What a run will come to, from what earlier ones came to. Pure.

Amounts of a kind of run are log-normal. The mean of a key is pulled towards that of the next coarser one, the more the
fewer runs it rests on and the less such keys differ among themselves; how much they differ is learned with them
(credibility, by Bühlmann and Straub). What such an estimate misses, the pool of residuals adds (`conformal.py`). All
statistics forget: with each run what was known weighs 0.99 of what it did. Source: methods.md §4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from telemetry.outlook.conformal import Pool
from telemetry.outlook.keys import ALL, LEVELS, Key, spread_key

DECAY = 0.99
_SPREAD_RUNS = 8.0  # that what is common to all keys of a level counts for beside the spread of one key
_LEVEL_RUNS = 10.0  # that the coarser level counts for beside the spread of all keys of a level
_FINER = 0.6  # of the variance of a coarser level: that of a finer one, before it is known
_LEAST_VARIANCE = 1e-4
_TAIL_FROM, _TAIL_TO = 0.9, 0.99  # beyond, the tail goes on as it goes between them,
_LEAST_TAIL = 0.3  # in logarithms, but as if they were no nearer than this: a run that is far off is of another kind


@dataclass(frozen=True, slots=True)
class Stat:
    """What is known of one key: how many runs, their decayed weight, mean and squared deviations of logarithms, plain
    sum, and when the first and the last of them ended."""

    runs: int
    weight: float
    mean: float
    m2: float
    total: float
    first_at: datetime
    last_at: datetime

    @property
    def variance(self) -> float:
        """Of logarithms, around their mean."""
        return self.m2 / self.weight

    def weight_of(self, at: datetime) -> float:
        """What one more run counts that ended at `at`: one, or where it comes late what it would weigh by now, if the
        runs in between came evenly."""
        if at >= self.last_at:
            return 1.0
        span = (self.last_at - min(self.first_at, at)).total_seconds()
        return float(DECAY ** (self.runs * (self.last_at - at).total_seconds() / span))

    def with_one(self, value: float, amount: float, at: datetime) -> Stat:
        """With one more run."""
        added = self.weight_of(at)
        kept = self.weight * DECAY if added == 1.0 else self.weight
        weight = kept + added
        step = value - self.mean
        scale = kept / self.weight if self.weight else 0.0
        return Stat(
            runs=self.runs + 1,
            weight=weight,
            mean=self.mean + step * added / weight,
            m2=self.m2 * scale + step * step * kept * added / weight,
            total=self.total + amount,
            first_at=min(self.first_at, at),
            last_at=max(self.last_at, at),
        )


def first_stat(value: float, amount: float, at: datetime) -> Stat:
    """What is known after one run."""
    return Stat(runs=1, weight=1.0, mean=value, m2=0.0, total=float(amount), first_at=at, last_at=at)


@dataclass(frozen=True)
class Expected:
    """What a run is expected to come to: the mean and spread of its logarithm, the pool that corrects them, the least
    that it will be for sure. `level` is a place in LEVELS, `runs` how many earlier ones there are there, `mean_amount`
    their plain mean."""

    mean: float
    spread: float
    level: int
    runs: int
    mean_amount: float
    pool: Pool
    at_least: float = 0.0

    def quantile(self, share: float) -> float:
        """What a share of such runs comes to no more than."""
        end, steepness = self._tail
        if self._is_beyond(end):
            return max(self.at_least, _exp(math.log(self.at_least) - math.log(1 - share) / steepness))
        below = self._below(self.at_least)
        return max(self.at_least, self._whole(below + share * (1 - below)))

    def share_above(self, amount: float) -> float:
        """The probability that it comes to more than that."""
        if amount < self.at_least:
            return 1.0
        end, steepness = self._tail
        if self._is_beyond(end):
            return math.exp(-steepness * math.log(amount / self.at_least))
        return (1 - self._below(amount)) / (1 - self._below(self.at_least))

    def given(self, at_least: float) -> Expected:
        """What is expected once it has come to so much already."""
        return replace(self, at_least=max(self.at_least, at_least))

    def _whole(self, share: float) -> float:
        """The quantile of runs of which nothing is known yet."""
        if share <= _TAIL_TO:
            return _exp(self.mean + self.spread * self.pool.score_at(share))
        end, steepness = self._tail
        return _exp(end + math.log((1 - _TAIL_TO) / max(1 - share, 1e-12)) / steepness)

    def _below(self, amount: float) -> float:
        """The share of such runs that comes to no more than that, nothing being known yet; never quite all."""
        if amount <= 0:
            return 0.0
        value = math.log(amount)
        end, steepness = self._tail
        if value >= end:
            return 1 - (1 - _TAIL_TO) * math.exp(-steepness * (value - end))
        score = (value - self.mean) / self.spread
        low, high = 0.0, _TAIL_TO
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if self.pool.score_at(middle) <= score else (low, middle)
        return low

    def _is_beyond(self, end: float) -> bool:
        """Whether it has come to more than where the tail begins, so that nothing but the tail matters."""
        return self.at_least > 0 and math.log(self.at_least) >= end

    @cached_property
    def _tail(self) -> tuple[float, float]:
        """Where the tail begins, as a logarithm, and how fast it falls from there: as a power of the amount."""
        start, end = (self.mean + self.spread * self.pool.score_at(share) for share in (_TAIL_FROM, _TAIL_TO))
        return end, math.log((1 - _TAIL_FROM) / (1 - _TAIL_TO)) / max(end - start, _LEAST_TAIL)


@dataclass(slots=True)
class Book:
    """What is known of one measure: the statistics of keys, and the pool. `changed`: the keys that were learned."""

    stats: dict[Key, Stat] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)
    changed: set[Key] = field(default_factory=set)

    def expect(self, keys: Sequence[Key]) -> Expected | None:
        """What a run with these keys, coarse to fine, will come to; None where no run is known."""
        if (whole := self.stats.get(ALL)) is None:
            return None
        mean, unsure, variance, finest = whole.mean, 0.0, max(whole.variance, _LEAST_VARIANCE), (ALL, whole)
        for key in keys[1:]:
            if (stat := self.stats.get(key)) is None:
                continue
            outer, within = variance, _within(self.stats, key.level, variance)
            own = (_SPREAD_RUNS * within + stat.m2) / (_SPREAD_RUNS + max(stat.weight - 1, 0.0))
            among = max(outer - within, 0.05 * outer) + unsure
            pull = own / stat.weight
            mean, unsure = (pull * mean + among * stat.mean) / (pull + among), pull * among / (pull + among)
            variance, finest = own, (key, stat)
        stat = finest[1]
        return Expected(
            mean=mean,
            spread=math.sqrt(max(variance + unsure, _LEAST_VARIANCE)),
            level=finest[0].level,
            runs=stat.runs,
            mean_amount=stat.total / stat.runs,
            pool=self.pool,
        )

    def learn(self, keys: Sequence[Key], amount: float, at: datetime) -> None:
        """Take in what a run with these keys came to."""
        value = math.log(max(amount, 1.0))
        if (expected := self.expect(keys)) is not None and self.stats[ALL].runs > 2:
            self.pool.add((value - expected.mean) / expected.spread, at)
        for key in keys:
            stat = self.stats.get(key)
            if stat is not None and key.level:
                away = (value - stat.mean) ** 2 * stat.weight / (stat.weight + 1)
                self._put(spread_key(key.level), away, 0.0, at)
            self._put(key, value, amount, at)

    def _put(self, key: Key, value: float, amount: float, at: datetime) -> None:
        stat = self.stats.get(key)
        self.stats[key] = first_stat(value, amount, at) if stat is None else stat.with_one(value, amount, at)
        self.changed.add(key)


def _within(stats: Mapping[Key, Stat], level: int, outer: float) -> float:
    """The variance of runs around their key of a level, where that of the next coarser one is `outer`."""
    known = stats.get(spread_key(level))
    weight, mean = (known.weight, known.mean) if known else (0.0, 0.0)
    return max((_LEVEL_RUNS * _FINER * outer + weight * mean) / (_LEVEL_RUNS + weight), _LEAST_VARIANCE)


def _exp(value: float) -> float:
    return math.exp(min(value, 43.0))  # below the largest int8


def level_name(expected: Expected) -> str:
    """The name of the level that an estimate rests on."""
    return LEVELS[expected.level]
