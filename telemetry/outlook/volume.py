"""How many runs there are in a day, against the thirty days before. Pure.

Counts vary by chance as their mean does, and days differ besides as its square does (a negative binomial); how much is
learnt from the days before. They are compared on the scale on which such counts vary alike, whatever their mean.
Weekends differ from weekdays from the first day on, and each day of the week from the others after three weeks: no
shorter history has seen each often enough. Why: docs/baselines.md. Source of the scale: Anscombe 1948.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import asinh, exp, log, sinh, sqrt
from statistics import fmean, median

from telemetry.outlook.chance import USUAL_Z, solved
from telemetry.outlook.scores import Band, Score, weight

WEEKDAYS_AFTER = 21  # days
CAUTION = 2.0  # days like others that each kind of day has had besides, so that three of them are no rule yet
MOST_FREEDOM = 15.0  # as in intensity
LEAST_DISPERSION = 0.5  # of a machine that runs as often every day
_FARTHEST = 9.0  # as in intensity
_NEAR = 0.375
_WEEK_PARTS = ((0, 1, 2, 3, 4), (5, 6))


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where counts vary alike: `between` is the variance of days, by the square of their mean, and `dispersion` what
    is left where chance alone would vary more than they do."""

    between: float
    dispersion: float

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


def score(
    runs: Sequence[int], *, weekdays: Sequence[int], before: Sequence[int], recent: Collection[int], today: int
) -> Score | None:
    """The runs of the day at place `today` against those of the days at the places `before`; `recent` are those of its
    week; Monday is 0. None where there were none before."""
    weights = {place: weight(today - place) for place in before}
    if not any(runs[place] for place in before):
        return None
    shares = _shares(runs, before, weekdays)
    mean = sum(weights[place] * runs[place] / shares[weekdays[place]] for place in before) / sum(weights.values())
    usual = {place: mean * shares[weekdays[place]] for place in before}
    freedom = max(1.0, len(before) - (6.0 if len(before) >= WEEKDAYS_AFTER else 3.0))  # what mean and shares leave
    scale = _scale([(runs[place], usual[place]) for place in before], freedom)
    like = sum(1 for place in before if weekdays[place] == weekdays[today])
    expected = mean * shares[weekdays[today]]
    level = median([runs[place] / shares[weekdays[place]] for place in before if place in recent] or [mean])
    spread = sqrt(scale.dispersion * (1 + 1 / sum(weights.values()) + 1 / (like + CAUTION)))
    return Score(
        baseline=_band(scale, expected, spread),
        level=_band(scale, level * shares[weekdays[today]], spread),
        days=len(before),
        runs=sum(runs[place] for place in before),
        points=tuple((place, log((runs[place] + 0.5) / (usual[place] + 0.5))) for place in before),
        z=(scale.of(runs[today]) - scale.mean(expected)) / spread,
        freedom=min(freedom, MOST_FREEDOM),
        effect=(runs[today] + 0.5) / (expected + 0.5),
    )


def _scale(days: Sequence[tuple[int, float]], freedom: float) -> _Scale:
    """Learnt from the runs of days and what was to be expected of each."""

    squares = [((runs - usual) ** 2, usual) for runs, usual in days if usual]

    def far(between: float) -> float:
        return sum(min(_FARTHEST, square / (usual + between * usual * usual)) for square, usual in squares) / freedom

    between = solved(far, target=1.0, highest=4.0)
    return _Scale(between, max(LEAST_DISPERSION, min(1.0, far(between))))


def _shares(runs: Sequence[int], before: Sequence[int], weekdays: Sequence[int]) -> list[float]:
    """What each day of the week has, times the mean."""
    mean = fmean(runs[place] for place in before)
    logs = [0.0] * 7
    for days in _WEEK_PARTS if len(before) < WEEKDAYS_AFTER else (*_WEEK_PARTS, *((day,) for day in range(7))):
        like = [runs[place] for place in before if weekdays[place] in days]
        if like:
            share = (log((fmean(like) + 0.5) / (mean + 0.5)) * len(like) + CAUTION * logs[days[0]]) / (
                len(like) + CAUTION
            )
            logs = [share if day in days else logs[day] for day in range(7)]
    return [exp(one) for one in logs]


def _band(scale: _Scale, usual: float, spread: float) -> Band:
    place = scale.of(usual)
    return Band(usual, scale.back(place - USUAL_Z * spread), scale.back(place + USUAL_Z * spread))
