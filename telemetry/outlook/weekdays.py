"""What each day of the week has of the runs, of several series at once. Pure.

A series alone has four Wednesdays, of which one was unusual. What the weeks of all series of a dimension have alike,
and by how much they differ from that, says how much of what its own days show is believed (DerSimonian and Laird 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from statistics import fmean
from typing import NamedTuple

AFTER = 21  # days, before which only weekends are told apart
_UNLIKE = 0.25  # the variance of the weekends of series (of logarithms) before any are known, which counts for one
_NO_WEEKEND = 1.0  # the weight of a series without a weekend, besides
_PASSES = 3
_WEEKEND = (5, 6)


class Part(NamedTuple):
    """Days of a kind: how many, and the mean of their runs."""

    days: int
    mean: float


class Week(NamedTuple):
    """Of a series: weekdays, weekends, and each day of the week once there were enough."""

    weekdays: Part
    weekends: Part
    each: Sequence[Part]


class Differences(NamedTuple):
    """What weekends have in common (of a weekday's, as a logarithm), and by which variance series differ from that;
    and the variance of days of the week from others of their part of it."""

    weekend: float
    apart: float
    each: float


def week_of(runs: Sequence[int], weekdays: Sequence[int], before: Sequence[int]) -> Week:
    """What the days at these places say of the week."""
    each = [_part([runs[place] for place in before if weekdays[place] == day]) for day in range(7)]
    weekends = _part([runs[place] for place in before if weekdays[place] in _WEEKEND])
    others = _part([runs[place] for place in before if weekdays[place] not in _WEEKEND])
    return Week(others, weekends, each if len(before) >= AFTER else [])


def differences(weeks: Sequence[Week], between: float) -> Differences:
    """What the weeks of all series say, where `between` is the variance of days by the square of their mean."""
    seen = [
        (_weekend(week), _weekend_variance(week, between))
        for week in weeks
        if week.weekends.days and week.weekdays.days
    ]
    weekend, apart = 0.0, _UNLIKE
    for _ in range(_PASSES if seen else 0):
        weights = [1 / (apart + variance) for _, variance in seen]
        weekend = sum([w * far for w, (far, _) in zip(weights, seen, strict=True)]) / (sum(weights) + _NO_WEEKEND)
        over = sum([(far - weekend) ** 2 - variance for far, variance in seen])
        apart = max(0.0, over + _UNLIKE) / len(seen)
    return Differences(weekend, apart, _each(weeks, between))


def _each(weeks: Sequence[Week], between: float) -> float:
    over, weight = 0.0, 0.0
    for week in weeks:
        for day, part in enumerate(week.each):
            whole = week.weekends if day in _WEEKEND else week.weekdays
            if 0 < part.days < whole.days:
                variance = _variance(part, between) * (1 - part.days / whole.days)
                over += (_log(part) - _log(whole)) ** 2 / variance - 1
                weight += 1 / variance
    return max(0.0, over / weight) if weight else 0.0


def shares_of(week: Week, common: Differences, between: float) -> tuple[list[float], list[float]]:
    """What each day of the week has, times a weekday's, and by which variance (of the logarithm) that is unsure."""
    weekend, unsure = common.weekend, common.apart
    if week.weekends.days and week.weekdays.days:
        variance = _weekend_variance(week, between)
        sure = common.apart / (common.apart + variance)
        weekend, unsure = weekend + sure * (_weekend(week) - weekend), sure * variance
    logs, variances = [0.0] * 5 + [weekend] * 2, [0.0] * 5 + [unsure] * 2
    for day, part in enumerate(week.each):
        whole = week.weekends if day in _WEEKEND else week.weekdays
        if part.days and part.days < whole.days:
            variance = _variance(part, between)
            sure = common.each / (common.each + variance) if common.each else 0.0
            logs[day] += sure * (_log(part) - _log(whole))
            variances[day] += sure * variance
    return [exp(one) for one in logs], variances


def _part(runs: Sequence[int]) -> Part:
    return Part(len(runs), fmean(runs) if runs else 0.0)


def _log(part: Part) -> float:
    return log(part.mean + 0.5 / max(1, part.days))


def _variance(part: Part, between: float) -> float:
    """Of the logarithm of its mean."""
    return (between + 1 / max(part.mean, 0.5)) / part.days


def _weekend(week: Week) -> float:
    return _log(week.weekends) - _log(week.weekdays)


def _weekend_variance(week: Week, between: float) -> float:
    return _variance(week.weekends, between) + _variance(week.weekdays, between)
