"""How much a run takes: a day's mean of ln(tokens) against the thirty days before, with as many runs as it has. Pure.

A day's mean is uncertain for two reasons: its runs differ (s²/n, so that three runs may be far off where fifty may
not), and days differ (t²). Both are learnt from the days before. Each run is compared with others of its kind (its
stratum), so that a day with more of the large tasks is not a day on which tasks grew. Why: docs/trends.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from statistics import median
from typing import NamedTuple

from telemetry.outlook.chance import USUAL_Z, solved
from telemetry.outlook.scores import Band, Score, weight

LEAST_OF_A_KIND = 5  # runs before the day, below which a stratum says nothing
PRIOR_VARIANCE, PRIOR_RUNS = 0.5, 4  # of ln(tokens) within a day, until runs have shown their own
MOST_FREEDOM = 15.0  # days have monsters as runs have
_FARTHEST = 9.0  # a day counts as at most three standard deviations where it is learnt how far days differ


class Sample(NamedTuple):
    """Runs of a stratum and a day: how many, and the sums of ln(tokens) and of its square."""

    runs: int
    log_sum: float
    log_squares: float


NOTHING = Sample(0, 0.0, 0.0)
Days = Sequence[Sample]
Strata = Mapping[tuple[str, ...], Days]  # the days of each at the same places


@dataclass(frozen=True, slots=True)
class _Kind:
    """A stratum: its days, how many runs those before have, and the mean of their ln(tokens)."""

    days: Days
    runs: int
    mean: float


@dataclass(frozen=True, slots=True)
class _Day:
    """How many runs of known kinds a day has, and how far they are from others of their kind, on average."""

    place: int
    runs: int
    far: float


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What the days before say: how far each was, the variance `within` a day (known with `freedom`) and `between`
    days, and the `centre` around which days lie, itself known with the variance `unsure`."""

    days: Sequence[_Day]
    within: float
    freedom: int
    between: float
    centre: float
    unsure: float

    def variance(self, runs: int) -> float:
        """Of the mean of a day with so many runs."""
        return self.within / runs + self.between

    def free(self, runs: int) -> float:
        """With how many degrees of freedom that is known (Satterthwaite); at most as many as runs, some of which take
        many times of what others do, leave of them: a mean of n runs has the tails of a t distribution of 4 + 2 n
        where theirs have an excess kurtosis of 3."""
        parts = self.between**2 / max(1, len(self.days) - 1) + (self.within / runs) ** 2 / self.freedom
        return max(1.0, min(self.variance(runs) ** 2 / parts, 4.0 + 2.0 * runs, MOST_FREEDOM))


def score(strata: Strata, *, before: Sequence[int], recent: Collection[int], today: int) -> Score | None:
    """The day at place `today` against those at the places `before`; `recent` are those of its week. None where there
    is nothing before."""
    kinds = _kinds(strata, before)
    past = [day for place in before if (day := _day(kinds, place)).runs]
    if not past:
        return None
    learnt, now = _learn(kinds, past, before, today), _day(kinds, today)
    spread = USUAL_Z * sqrt(learnt.variance(now.runs or round(median(day.runs for day in past))))
    week = median([day.far for day in past if day.place in recent] or [day.far for day in past])
    kind = _log_mean((one.days for one in kinds), [today] if now.runs else before) - now.far  # with such a mix
    compared = _compared(learnt, now) if now.runs else (None, 0.0, None)
    return Score(
        baseline=_band(kind + learnt.centre, spread),
        level=_band(kind + week, spread),
        days=len(past),
        runs=sum(day.runs for day in past),
        points=tuple((day.place, day.far) for day in past),
        z=compared[0],
        freedom=compared[1],
        effect=compared[2],
    )


def value(strata: Iterable[Days], place: int) -> float:
    """The tokens of a usual run of a day that has some: the geometric mean."""
    return exp(_log_mean(strata, [place]))


def _compared(learnt: _Learnt, now: _Day) -> tuple[float, float, float]:
    """A day's z, its degrees of freedom, and times of what is usual."""
    variance = learnt.variance(now.runs) + learnt.unsure
    far = now.far - learnt.centre
    return far / sqrt(variance), learnt.free(now.runs), exp(far)


def _kinds(strata: Strata, before: Sequence[int]) -> list[_Kind]:
    """The strata that have enough runs before the day; where these hold less than half of all, no kinds are told
    apart."""
    all_of = [_kind(days, before) for days in strata.values()]
    known = [kind for kind in all_of if kind.runs >= LEAST_OF_A_KIND]
    if 2 * sum(kind.runs for kind in known) >= sum(kind.runs for kind in all_of):
        return known
    merged = [_sum(days) for days in zip(*strata.values(), strict=True)]
    return [_kind(merged, before)]


def _sum(samples: Iterable[Sample]) -> Sample:
    parts = list(samples)
    return Sample(
        sum(one.runs for one in parts), sum(one.log_sum for one in parts), sum(one.log_squares for one in parts)
    )


def _kind(days: Days, before: Sequence[int]) -> _Kind:
    runs = sum(days[place].runs for place in before)
    return _Kind(days, runs, sum(days[place].log_sum for place in before) / runs if runs else 0.0)


def _day(kinds: Sequence[_Kind], place: int) -> _Day:
    runs = sum(kind.days[place].runs for kind in kinds)
    far = sum(kind.days[place].log_sum - kind.days[place].runs * kind.mean for kind in kinds)
    return _Day(place, runs, far / runs if runs else 0.0)


def _log_mean(strata: Iterable[Days], places: Sequence[int]) -> float:
    """Of all runs of these days; 0 where there are none."""
    whole = _sum(days[place] for days in strata for place in places)
    return whole.log_sum / whole.runs if whole.runs else 0.0


def _learn(kinds: Sequence[_Kind], past: Sequence[_Day], before: Sequence[int], today: int) -> _Learnt:
    squares, freedom = PRIOR_VARIANCE * PRIOR_RUNS, PRIOR_RUNS
    for kind in kinds:
        for place in before:
            runs, log_sum, log_squares = kind.days[place]
            if runs > 1:
                squares += max(0.0, log_squares - log_sum * log_sum / runs)
                freedom += runs - 1
    within = squares / freedom
    between = _between(past, within)
    weights = [weight(today - day.place) / (within / day.runs + between) for day in past]
    centre = sum(one * day.far for one, day in zip(weights, past, strict=True)) / sum(weights)
    unsure = sum(one * one * (within / day.runs + between) for one, day in zip(weights, past, strict=True))
    return _Learnt(past, within, freedom, between, centre, unsure / sum(weights) ** 2)


def _between(past: Sequence[_Day], within: float) -> float:
    """The variance between days that makes them as far from zero as they are (Paule and Mandel 1982)."""

    def far(between: float) -> float:
        return sum(min(_FARTHEST, day.far * day.far / (within / day.runs + between)) for day in past)

    return solved(far, target=len(past) - 1.0, highest=max(day.far * day.far for day in past))


def _band(usual: float, spread: float) -> Band:
    return Band(exp(usual), exp(usual - spread), exp(usual + spread))
