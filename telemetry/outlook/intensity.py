"""How much a run takes: a day's mean of ln(tokens) against the thirty days before, with as many runs as it has. Pure.

A day's mean is uncertain for two reasons: its runs differ (s²/n, so that three runs may be far off where fifty may
not), and days differ (t²). Both are learnt from the days before. Each run is compared with others of its kind (its
stratum), so that a day with more of the large tasks is not a day on which tasks grew; kinds whose runs are alike count
more than kinds whose runs differ. Days that were unusual without being flagged bend neither. Why: docs/baselines.md.
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
KIND_RUNS = 10  # which a kind needs until its own variance counts as much as that of all
MOST_FREEDOM = 15.0  # there are days as there are runs: some are monsters
_FARTHEST, _EXPECTED = 4.0, 0.92  # a day counts as two standard deviations at most; what is then left of a square
_BEYOND = 1.5  # standard deviations, a day pulls no more at what is usual (Huber 1964)
_PASSES = 3


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
    """A stratum: its days, how many runs those before have, and the mean and the variance of their ln(tokens)."""

    days: Days
    runs: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class _Day:
    """How many runs of known kinds a day has, how far they are from others of their kind, on average, and with which
    variance that is known."""

    place: int
    runs: int
    far: float
    noise: float


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What the days before say: the variance `between` days, and the `centre` around which they lie, itself known with
    the variance `unsure`. `runs`: how many say how runs differ."""

    days: Sequence[_Day]
    between: float
    centre: float
    unsure: float
    runs: int

    def freedom(self, day: _Day) -> float:
        """With how many degrees of freedom a day's variance is known (Satterthwaite); at most as many as runs, some of
        which take many times of what others do, leave: a mean of n has the tails of a t distribution of 4 + 2 n where
        theirs have an excess kurtosis of 3."""
        parts = self.between**2 / max(1, len(self.days) - 1) + day.noise**2 / max(1, self.runs)
        return max(1.0, min((day.noise + self.between) ** 2 / parts, 4.0 + 2.0 * day.runs, MOST_FREEDOM))


def score(strata: Strata, *, before: Sequence[int], recent: Collection[int], today: int) -> Score | None:
    """The day at place `today` against those at the places `before`; `recent` are those of its week. None where there
    is nothing before."""
    kinds = _kinds(strata, before)
    past = [day for place in before if (day := _day(kinds, place)).runs]
    if not past:
        return None
    learnt, now = _learn(past, today), _day(kinds, today)
    noise = now.noise if now.runs else median(day.noise for day in past)
    spread = USUAL_Z * sqrt(noise + learnt.between)
    week = median([day.far for day in past if day.place in recent] or [day.far for day in past])
    alike = _log_mean((one.days for one in kinds), [today] if now.runs else before) - now.far  # with such a mix
    far = now.far - learnt.centre
    return Score(
        baseline=_band(alike + learnt.centre, spread),
        level=_band(alike + week, spread),
        days=len(past),
        runs=sum(day.runs for day in past),
        points=tuple((day.place, day.far) for day in past),
        z=far / sqrt(noise + learnt.between + learnt.unsure) if now.runs else None,
        freedom=learnt.freedom(now) if now.runs else 0.0,
        effect=exp(far) if now.runs else None,
    )


def value(strata: Iterable[Days], place: int) -> float:
    """The tokens of a usual run of a day that has some: the geometric mean."""
    return exp(_log_mean(strata, [place]))


def _kinds(strata: Strata, before: Sequence[int]) -> list[_Kind]:
    """The strata that have enough runs before the day; where these hold less than half of all, no kinds are told
    apart."""
    runs = [sum(days[place].runs for place in before) for days in strata.values()]
    known = [days for days, count in zip(strata.values(), runs, strict=True) if count >= LEAST_OF_A_KIND]
    if 2 * sum(count for count in runs if count >= LEAST_OF_A_KIND) < sum(runs):
        known = [[_sum(days) for days in zip(*strata.values(), strict=True)]]
    apart = [_apart(days, before) for days in known]
    squares, freedom = sum(one for one, _ in apart), sum(free for _, free in apart)
    pooled = (squares + PRIOR_VARIANCE * PRIOR_RUNS) / (freedom + PRIOR_RUNS)
    return [
        _Kind(days, whole.runs, whole.log_sum / whole.runs, (squares + pooled * KIND_RUNS) / (freedom + KIND_RUNS))
        for days, (squares, freedom) in zip(known, apart, strict=True)
        if (whole := _sum(days[place] for place in before)).runs
    ]


def _apart(days: Days, before: Sequence[int]) -> tuple[float, int]:
    """How far the runs of each day are from its mean: the sum of squares, and its degrees of freedom."""
    some = [days[place] for place in before if days[place].runs > 1]
    squares = sum(max(0.0, one.log_squares - one.log_sum * one.log_sum / one.runs) for one in some)
    return squares, sum(one.runs - 1 for one in some)


def _sum(samples: Iterable[Sample]) -> Sample:
    runs, log_sum, log_squares = 0, 0.0, 0.0
    for one in samples:
        runs, log_sum, log_squares = runs + one.runs, log_sum + one.log_sum, log_squares + one.log_squares
    return Sample(runs, log_sum, log_squares)


def _day(kinds: Sequence[_Kind], place: int) -> _Day:
    sure = sum(kind.days[place].runs / kind.variance for kind in kinds)
    far = sum((kind.days[place].log_sum - kind.days[place].runs * kind.mean) / kind.variance for kind in kinds)
    runs = sum(kind.days[place].runs for kind in kinds)
    return _Day(place, runs, far / sure, 1 / sure) if runs else _Day(place, 0, 0.0, 0.0)


def _log_mean(strata: Iterable[Days], places: Sequence[int]) -> float:
    """Of all runs of these days; 0 where there are none."""
    whole = _sum(days[place] for days in strata for place in places)
    return whole.log_sum / whole.runs if whole.runs else 0.0


def _learn(past: Sequence[_Day], today: int) -> _Learnt:
    """The variance between days is what makes them as far from their middle as they are (Paule and Mandel 1982)."""
    centre = median(day.far for day in past)

    def far(between: float) -> float:
        return sum(min(_FARTHEST, (day.far - centre) ** 2 / (day.noise + between)) for day in past)

    highest = max((day.far - centre) ** 2 for day in past)
    between = solved(far, target=_EXPECTED * (len(past) - 1), highest=highest)
    spreads = [sqrt(day.noise + between) for day in past]
    weights = [weight(today - day.place) / spread**2 for day, spread in zip(past, spreads, strict=True)]
    pulls = list(weights)
    for _ in range(_PASSES):
        off = [abs(day.far - centre) / spread for day, spread in zip(past, spreads, strict=True)]
        pulls = [one * min(1.0, _BEYOND / far) if far else one for one, far in zip(weights, off, strict=True)]
        centre = sum(one * day.far for one, day in zip(pulls, past, strict=True)) / sum(pulls)
    unsure = sum((one * spread) ** 2 for one, spread in zip(pulls, spreads, strict=True)) / sum(pulls) ** 2
    return _Learnt(past, between, centre, unsure, sum(day.runs for day in past))


def _band(usual: float, spread: float) -> Band:
    return Band(exp(usual), exp(usual - spread), exp(usual + spread))
