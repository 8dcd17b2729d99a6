"""How many runs there are in a day, against the thirty days before. Pure.

Counts vary by chance as their mean does, and days differ besides as its square does (a negative binomial); how much is
learnt from the days before, of all series of a dimension. They are compared on the scale on which such counts vary
alike, whatever their mean. Weekends differ from weekdays from the first day on, and each day of the week from the
others after three weeks: no shorter history has seen each often enough. How much of such a difference is believed
depends on how much the days of the week differ in all of these series. Why: docs/baselines.md. Source of the scale:
Anscombe 1948.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import asinh, log, sinh, sqrt
from statistics import median
from typing import NamedTuple

from telemetry.outlook.chance import USUAL_Z, solved
from telemetry.outlook.moderation import EXPECTED, FARTHEST, Spread, common, moderated
from telemetry.outlook.scores import Band, Score, weight
from telemetry.outlook.weekdays import Differences, Week, differences, shares_of, week_of

MOST_FREEDOM = 30.0  # as in intensity
LEAST_DISPERSION = 0.5  # of a machine that runs as often every day
_MOST_OFF = 9.0  # a day counts as three standard deviations at most
_BEYOND, _PASSES = 1.5, 2  # as in intensity
_NEAR = 0.375
_USUAL_BETWEEN = 0.1  # before any is known


class Scale(NamedTuple):
    """Where counts vary alike. `between`: the variance of days, by the square of their mean."""

    between: float

    def of(self, count: float) -> float:
        """A count on it."""
        root = sqrt(count + _NEAR)
        return 2 * (asinh(sqrt(self.between) * root) / sqrt(self.between) if self.between else root)

    def mean(self, expected: float) -> float:
        """Where counts of that mean lie on it, on average: a little below, for it is curved."""
        grown = expected + self.between * expected * expected
        return self.of(expected) - (1 + 2 * self.between * expected) / (4 * sqrt(grown)) if grown else self.of(0)

    def back(self, place: float) -> float:
        """The count at a place of it."""
        half = max(0.0, place) / 2
        root = sinh(sqrt(self.between) * half) / sqrt(self.between) if self.between else half
        return max(0.0, root * root - _NEAR)


@dataclass(frozen=True, slots=True)
class Past:
    """A series before it is compared: its runs and the day of the week of each place, the places before the day, and
    what they say of its week."""

    runs: Sequence[int]
    weekdays: Sequence[int]
    before: Sequence[int]
    today: int
    week: Week


class Usual(NamedTuple):
    """What is usual in a series: the mean, by how much that is unsure (a share of a day's variance), what each day of
    the week has times that, and how unsure."""

    mean: float
    unsure: float
    shares: Sequence[float]
    variances: Sequence[float]


class Shared(NamedTuple):
    """What the series of a dimension have alike."""

    scale: Scale
    spread: Spread


def past(runs: Sequence[int], *, weekdays: Sequence[int], before: Sequence[int], today: int) -> Past | None:
    """The runs of days at the places `before`, and of the one at `today`; Monday is 0. None where there were none
    before."""
    if not any(runs[place] for place in before):
        return None
    return Past(runs, weekdays, before, today, week_of(runs, weekdays, before))


def shared(pasts: Sequence[Past]) -> tuple[Shared, list[Usual]]:
    """What the days of all these series say, and what is usual in each."""
    week = differences([one.week for one in pasts], _USUAL_BETWEEN)
    between = _between(pasts, [_usual(one, week, _USUAL_BETWEEN) for one in pasts])
    week = differences([one.week for one in pasts], between)
    usual = [_usual(one, week, between) for one in pasts]
    spread = common([_own(one, us, Scale(between)) for one, us in zip(pasts, usual, strict=True)])
    return Shared(Scale(between), spread), usual


def score(one: Past, usual: Usual, alike: Shared, *, recent: Collection[int]) -> Score:
    """The day against those before; `recent` are the places of its week."""
    scale, found = alike.scale, moderated(_own(one, usual, alike.scale), alike.spread)
    weekday = one.weekdays[one.today]
    expected = usual.mean * usual.shares[weekday]
    likely = scale.between + 1 / max(expected, 0.5)  # the variance of a day, by the square of its mean
    times = max(LEAST_DISPERSION, found.times)
    spread = sqrt(times * (1 + usual.unsure) + usual.variances[weekday] / likely)
    week = [one.runs[place] / usual.shares[one.weekdays[place]] for place in one.before if place in recent]
    level = median(week or [usual.mean]) * usual.shares[weekday]
    near = [usual.mean * share + 0.5 for share in usual.shares]
    return Score(
        baseline=_band(scale, expected, spread),
        level=_band(scale, level, spread),
        days=len(one.before),
        runs=sum([one.runs[place] for place in one.before]),
        points=tuple([(place, log((one.runs[place] + 0.5) / near[one.weekdays[place]])) for place in one.before]),
        z=_off(one.runs[one.today], expected, scale) / spread,
        freedom=max(1.0, min(found.freedom, MOST_FREEDOM)),
        effect=(one.runs[one.today] + 0.5) / (expected + 0.5),
    )


def _off(count: int, expected: float, scale: Scale) -> float:
    """How far a count is from what is expected, in standard deviations. Whether the days of a series differ as a gamma
    does or as its logarithm is normal is not known. The scale suits the latter, and where there is less than expected
    the cube root the former (Wilson and Hilferty 1931): of both what is nearer."""
    far = scale.of(count) - scale.mean(expected)
    if count >= expected:
        return far
    ninth = (scale.between + 1 / max(expected, 0.5)) / 9
    return max(far, ((count / expected) ** (1 / 3) - 1 + ninth) / sqrt(ninth)) if expected else far


def _usual(one: Past, week: Differences, between: float) -> Usual:
    """The mean of the days, each by what its day of the week has; a day that is far off pulls less."""
    shares, variances = shares_of(one.week, week, between)
    days = [(one.runs[place] / shares[day := one.weekdays[place]], day) for place in one.before]
    weights = [weight(one.today - place) for place in one.before]
    mean = max(0.1, median([count for count, _ in days]) or sum([count for count, _ in days]) / len(days))
    pulls = weights
    for _ in range(_PASSES):
        likely = [between + 1 / (share * mean) for share in shares]
        near = [_BEYOND * mean * sqrt(variance) for variance in likely]
        pulls = [
            w / likely[day] * (near[day] / off if (off := abs(count - mean)) > near[day] else 1.0)
            for w, (count, day) in zip(weights, days, strict=True)
        ]
        mean = max(0.05, sum([w * count for w, (count, _) in zip(pulls, days, strict=True)]) / sum(pulls))
    return Usual(mean, sum([w * w for w in pulls]) / sum(pulls) ** 2, shares, variances)


def _between(some: Sequence[Past], usual: Sequence[Usual]) -> float:
    squares, freedom = [], 0.0
    for one, us in zip(some, usual, strict=True):
        means = [us.mean * share for share in us.shares]
        squares += [((one.runs[place] - (mean := means[one.weekdays[place]])) ** 2, mean) for place in one.before]
        freedom += _freedom(one)

    def far(between: float) -> float:
        return sum([min(_MOST_OFF, square / (mean + between * mean * mean)) for square, mean in squares])

    return solved(far, target=freedom, highest=4.0)


def _own(one: Past, usual: Usual, scale: Scale) -> Spread:
    """How far its days are from what is usual, where 1 is as far as such counts are."""
    means = [scale.mean(usual.mean * share) for share in usual.shares]
    off = [scale.of(one.runs[place]) - means[one.weekdays[place]] for place in one.before]
    freedom = _freedom(one)
    return Spread(sum([min(FARTHEST, far * far) for far in off]) / (EXPECTED * freedom), freedom)


def _freedom(one: Past) -> float:
    """What the mean and the weekend leave."""
    return max(1.0, len(one.before) - 2.0)


def _band(scale: Scale, usual: float, spread: float) -> Band:
    place = scale.of(usual)
    return Band(usual, scale.back(place - USUAL_Z * spread), scale.back(place + USUAL_Z * spread))
