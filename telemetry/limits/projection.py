"""When a budget will be used up, and what a period will come to, with an interval: from what days came to before. Pure.

What is still to come is a sum of days. Weekdays and weekends have a level each, the mean of the days before, in which
each day weighs less than the next; days differ from their level, and the level itself drifts. Sums of days are taken to
be log-normal with that mean and variance. LEARNT, FADES and DRIFT were chosen on other seeds than those that
`make bench-projections` reports.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist

LEARNT = 7  # days before today, below which nothing is projected
KEPT = 42  # days that are looked at
FADES = 0.97  # what a day weighs beside the next one
DRIFT = 0.06  # by how much of itself the level may move in a day
_EDGE = NormalDist().inv_cdf(0.9)
_SATURDAY = 5
_NOTHING = 1e-3  # of a token or a nano-dollar


@dataclass(frozen=True, slots=True)
class Past:
    """What whole days came to, the last one yesterday; days before the first call are left out."""

    amounts: Sequence[int]
    today: date


@dataclass(frozen=True, slots=True)
class Sum:
    """What a period comes to: eight of ten times from `low` to `high`, half of the time below `middle`."""

    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """The day on which a limit is passed: one of ten times by `earliest`, half of the time by `likely`, nine of ten by
    `latest`; None: not within the period. `probability`: that it is passed within the period."""

    earliest: date | None
    likely: date | None
    latest: date | None
    probability: float


@dataclass(frozen=True, slots=True)
class Projection:
    """What the period will come to, and where there is a limit, when that is passed."""

    total: Sum
    exhaustion: Exhaustion | None


def project(past: Past, *, used: int, left_today: float, last_day: date, limit: int | None) -> Projection | None:
    """The rest of a period that ends with `last_day`, of which `used` is there already, today's part of it included;
    `left_today` is the share of a usual day that is still to come today. None: fewer than LEARNT days to learn from."""
    if len(past.amounts) < LEARNT:
        return None
    sums = _sums(past, left_today=left_today, last_day=last_day)
    mean, variance = sums[-1]
    low, middle, high = (used + round(quantile(mean, variance, way)) for way in (-_EDGE, 0.0, _EDGE))
    total = Sum(low, middle, high)
    if limit is None:
        return Projection(total, None)
    chances = [1.0 if used > limit else 1 - share_below(limit - used, *of_day) for of_day in sums]
    days = [next((n for n, chance in enumerate(chances) if chance >= at), None) for at in (0.1, 0.5, 0.9)]
    earliest, likely, latest = (None if n is None else past.today + timedelta(days=n) for n in days)
    return Projection(total, Exhaustion(earliest, likely, latest, chances[-1]))


def left_of_day(hours: Sequence[int], *, elapsed: float) -> float:
    """Which share of a day is still to come when `elapsed` of it (0 to 1) is over, by what each hour of the clock came
    to before; where nothing did, the hours are alike."""
    whole = sum(hours)
    at = min(max(elapsed, 0.0), 1.0) * len(hours)
    if not whole:
        return 1 - at / len(hours) if hours else 0.0
    running = min(int(at), len(hours) - 1)
    return (sum(hours[running + 1 :]) + hours[running] * (running + 1 - at)) / whole


def quantile(mean: float, variance: float, z: float) -> float:
    """The value below which a log-normal sum with this mean and variance lies as often as a normal one lies below z."""
    if mean < _NOTHING:
        return 0.0
    spread = math.log1p(variance / mean**2)
    return math.exp(math.log(mean) - spread / 2 + z * math.sqrt(spread))


def share_below(limit: float, mean: float, variance: float) -> float:
    """How often such a sum is at most `limit`."""
    if mean < _NOTHING:
        return 1.0
    if limit <= 0:
        return 0.0
    spread = math.log1p(variance / mean**2)
    middle = math.log(mean) - spread / 2
    return (
        float(middle <= math.log(limit)) if spread == 0 else NormalDist(middle, math.sqrt(spread)).cdf(math.log(limit))
    )


def _sums(past: Past, *, left_today: float, last_day: date) -> list[tuple[float, float]]:
    """Mean and variance of what comes from now to the end of each day up to the last one, today first."""
    levels = {is_weekend: _level(past, is_weekend=is_weekend) for is_weekend in (False, True)}
    mean = own = unsure = 0.0
    sums = []
    for ahead in range((last_day - past.today).days + 1):
        level = levels[(past.today + timedelta(days=ahead)).weekday() >= _SATURDAY]
        share = left_today if ahead == 0 else 1.0
        mean += share * level.mean
        own += share * level.variance
        # The level is not known exactly, and moves on until that day: its error is the same for all days, and adds up.
        unsure += share * math.sqrt(level.variance / level.weight + (DRIFT * level.mean) ** 2 * (ahead + 1))
        sums.append((mean, own + unsure**2))
    return sums


@dataclass(frozen=True, slots=True)
class _Level:
    """What days of a kind come to, how far apart they are, and how many days' worth that rests on."""

    mean: float
    variance: float
    weight: float


def _level(past: Past, *, is_weekend: bool) -> _Level:
    """The level of weekdays or weekends; of all days where fewer than two are of that kind."""
    days = [
        (past.today - timedelta(days=back), float(amount))
        for back, amount in enumerate(reversed(past.amounts[-KEPT:]), start=1)
    ]
    alike = [(day, amount) for day, amount in days if (day.weekday() >= _SATURDAY) == is_weekend]
    chosen = alike if len(alike) > 1 else days
    weights = [FADES ** (past.today - day).days for day, _ in chosen]
    weight = sum(weights)
    mean = sum(w * amount for w, (_, amount) in zip(weights, chosen, strict=True)) / weight
    rest = 1 - sum(w * w for w in weights) / weight**2  # of a weighted variance, unbiased
    variance = sum(w * (amount - mean) ** 2 for w, (_, amount) in zip(weights, chosen, strict=True)) / weight / rest
    return _Level(mean, variance, weight**2 / sum(w * w for w in weights))
