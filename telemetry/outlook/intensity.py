"""How much a run takes: a day's mean of ln(tokens) against the thirty days before, with as many runs as it has. Pure.

A day's mean is uncertain for two reasons: its runs differ (s²/n, so that three runs may be far off where fifty may
not), and days differ (t²). How runs differ is learnt from the days before, and a little from the day itself: where its
own runs are far apart, one of them may make the mean. How days differ is learnt from all series of a dimension. Each
run is compared with others of its kind (its stratum), so that a day with more of the large tasks is not a day on which
tasks grew; kinds whose runs are alike count more than kinds whose runs differ. Days that were unusual without being
flagged bend neither. Why: docs/baselines.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from statistics import median
from typing import NamedTuple

from telemetry.outlook.chance import USUAL_Z, solved
from telemetry.outlook.moderation import EXPECTED, FARTHEST, Spread, common, moderated
from telemetry.outlook.scores import Band, Score, weight

LEAST_OF_A_KIND = 5  # runs before the day, below which a stratum says nothing
PRIOR_VARIANCE, PRIOR_RUNS = 0.5, 4  # of ln(tokens) within a day, until runs have shown their own
KIND_RUNS = 10  # which a kind needs until its own variance counts as much as that of all
DAY_RUNS = 5.0  # that what is usual counts for, beside a day's own runs, in how far they are apart
FREEDOM_AT_LEAST, FREEDOM_A_RUN = 4.0, 6.0  # a day of one run has the tails of a t distribution of ten degrees
MOST_FREEDOM = 30.0  # there are days as there are runs: some are monsters
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


class _Kind(NamedTuple):
    """A stratum: its days, and the mean and the variance of the ln(tokens) of the runs before."""

    days: Days
    mean: float
    variance: float


class _Day(NamedTuple):
    """How many runs of known kinds a day has, how far they are from others of their kind, on average, and with which
    variance that is known."""

    place: int
    runs: int
    far: float
    noise: float


@dataclass(frozen=True, slots=True)
class Past:
    """A series before it is compared: its kinds, the days before that have runs of them, and the day itself."""

    kinds: Sequence[_Kind]
    days: Sequence[_Day]
    now: _Day
    centre: float


class Shared(NamedTuple):
    """What the series of a dimension have alike: the variance `between` days, and how much theirs is worth."""

    between: float
    spread: Spread


def past(strata: Strata, *, before: Sequence[int], today: int) -> Past | None:
    """The days at the places `before`, and the one at `today`. None where there is nothing before."""
    kinds = _kinds(strata, before)
    days = [day for place in before if (day := _day(kinds, place)).runs]
    return Past(kinds, days, _day(kinds, today), median(day.far for day in days)) if days else None


def shared(pasts: Iterable[Past]) -> Shared:
    """What the days of all these series say. The variance between days is what makes them as far from their middle as
    they are (Paule and Mandel 1982)."""
    some = [one for one in pasts if len(one.days) > 1]
    far = [((day.far - one.centre) ** 2, day.noise) for one in some for day in one.days]
    if not far:
        return Shared(0.0, common([]))

    def squares(between: float) -> float:
        return sum([min(FARTHEST, square / (noise + between)) for square, noise in far])

    target = EXPECTED * sum(len(one.days) - 1 for one in some)
    between = solved(squares, target=target, highest=max(square for square, _ in far))
    return Shared(between, common([_own(one, between) for one in some]))


def _own(one: Past, between: float) -> Spread:
    squares = sum([min(FARTHEST, (day.far - one.centre) ** 2 / (day.noise + between)) for day in one.days])
    freedom = len(one.days) - 1
    return Spread(squares / (EXPECTED * freedom), freedom) if freedom else Spread(1.0, 0.0)


def score(one: Past, alike: Shared, *, before: Sequence[int], recent: Collection[int], today: int) -> Score:
    """The day against those before; `recent` are the places of its week."""
    now, spread = one.now, moderated(_own(one, alike.between), alike.spread)
    variances = [spread.times * (day.noise + alike.between) for day in one.days]
    centre, unsure = _centre(one, variances, today)
    noise = now.noise if now.runs else median(day.noise for day in one.days)
    variance = spread.times * (noise + alike.between)
    week = median([day.far for day in one.days if day.place in recent] or [day.far for day in one.days])
    mixed = _log_mean((kind.days for kind in one.kinds), [today] if now.runs else before) - now.far  # with such a mix
    far = now.far - centre
    return Score(
        baseline=_band(mixed + centre, USUAL_Z * sqrt(variance)),
        level=_band(mixed + week, USUAL_Z * sqrt(variance)),
        days=len(one.days),
        runs=sum(day.runs for day in one.days),
        points=tuple((day.place, day.far) for day in one.days),
        z=far / sqrt(variance + unsure) if now.runs else None,
        freedom=_freedom(spread.freedom, now.runs) if now.runs else 0.0,
        effect=exp(far) if now.runs else None,
    )


def _freedom(known: float, runs: int) -> float:
    """With how many degrees of freedom a day is compared: fewer where it has few runs, for some take many times of what
    others do. How far its own are apart says most of that (`DAY_RUNS`); the rest was counted on made days."""
    return max(1.0, min(known, FREEDOM_AT_LEAST + FREEDOM_A_RUN * runs, MOST_FREEDOM))


def value(strata: Iterable[Days], place: int) -> float:
    """The tokens of a usual run of a day that has some: the geometric mean."""
    return exp(_log_mean(strata, [place]))


def _kinds(strata: Strata, before: Sequence[int]) -> list[_Kind]:
    """The strata that have enough runs before the day; where these hold less than half of all, no kinds are told
    apart."""
    runs = [sum([days[place].runs for place in before]) for days in strata.values()]
    known = [days for days, count in zip(strata.values(), runs, strict=True) if count >= LEAST_OF_A_KIND]
    if 2 * sum(count for count in runs if count >= LEAST_OF_A_KIND) < sum(runs):
        known = [[_sum(days) for days in zip(*strata.values(), strict=True)]]
    apart = [_apart(days, before) for days in known]
    squares, freedom = sum(one for one, _ in apart), sum(free for _, free in apart)
    pooled = (squares + PRIOR_VARIANCE * PRIOR_RUNS) / (freedom + PRIOR_RUNS)
    return [
        _Kind(days, whole.log_sum / whole.runs, (squares + pooled * KIND_RUNS) / (freedom + KIND_RUNS))
        for days, (squares, freedom) in zip(known, apart, strict=True)
        if (whole := _sum([days[place] for place in before if days[place].runs])).runs
    ]


def _apart(days: Days, before: Sequence[int]) -> tuple[float, int]:
    """How far the runs of each day are from its mean: the sum of squares, and its degrees of freedom."""
    some = [days[place] for place in before if days[place].runs > 1]
    return sum([_scatter(one) for one in some]), sum([one.runs - 1 for one in some])


def _scatter(one: Sample) -> float:
    """How far the runs of a day are from its mean: the sum of squares."""
    return max(0.0, one.log_squares - one.log_sum * one.log_sum / one.runs)


def _sum(samples: Iterable[Sample]) -> Sample:
    runs, log_sum, log_squares = 0, 0.0, 0.0
    for one in samples:
        runs, log_sum, log_squares = runs + one.runs, log_sum + one.log_sum, log_squares + one.log_squares
    return Sample(runs, log_sum, log_squares)


def _day(kinds: Sequence[_Kind], place: int) -> _Day:
    runs, sure, far, apart, freedom = 0, 0.0, 0.0, 0.0, 0
    for days, mean, variance in kinds:
        one = days[place]
        if one.runs:
            runs += one.runs
            sure += one.runs / variance
            far += (one.log_sum - one.runs * mean) / variance
            apart += _scatter(one) / variance
            freedom += one.runs - 1
    if not runs:
        return _Day(place, 0, 0.0, 0.0)
    return _Day(place, runs, far / sure, (apart + DAY_RUNS) / (freedom + DAY_RUNS) / sure)


def _log_mean(strata: Iterable[Days], places: Sequence[int]) -> float:
    """Of all runs of these days; 0 where there are none."""
    whole = _sum(days[place] for days in strata for place in places)
    return whole.log_sum / whole.runs if whole.runs else 0.0


def _centre(one: Past, variances: Sequence[float], today: int) -> tuple[float, float]:
    """Around what the days lie, and with which variance that is known."""
    centre = one.centre
    weights = [weight(today - day.place) / variance for day, variance in zip(one.days, variances, strict=True)]
    pulls = weights
    for _ in range(_PASSES):
        off = [abs(day.far - centre) / sqrt(variance) for day, variance in zip(one.days, variances, strict=True)]
        pulls = [w * min(1.0, _BEYOND / far) if far else w for w, far in zip(weights, off, strict=True)]
        centre = sum(w * day.far for w, day in zip(pulls, one.days, strict=True)) / sum(pulls)
    unsure = sum(w * w * variance for w, variance in zip(pulls, variances, strict=True)) / sum(pulls) ** 2
    return centre, unsure


def _band(usual: float, spread: float) -> Band:
    return Band(exp(usual), exp(usual - spread), exp(usual + spread))
