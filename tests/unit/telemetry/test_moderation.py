"""How much series vary, learnt from all of them at once."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from telemetry.outlook.moderation import EXPECTED, FARTHEST, VARIES, Spread, common, moderated

DAYS = 29.0


def own(dice: Random, true: float) -> Spread:
    """What thirty days of a series say of its variance, which is `true`."""
    squares = [min(FARTHEST, dice.gauss(0, true**0.5) ** 2) for _ in range(int(DAYS))]
    return Spread(sum(squares) / EXPECTED / DAYS, DAYS)


def test_what_series_have_in_common_counts_the_more_the_more_alike_they_are() -> None:
    dice = Random(1)
    alike = common([own(dice, 1.0) for _ in range(20)])
    unlike = common([own(dice, dice.choice((0.1, 2.0))) for _ in range(20)])
    assert alike.freedom > 15 > 6 > unlike.freedom
    assert alike.times == pytest.approx(1, abs=0.15)


def test_series_that_are_alike_know_their_variance_better_together() -> None:
    dice = Random(2)
    alone = [own(dice, 1.0) for _ in range(20)]
    shared = common(alone)
    together = [moderated(one, shared) for one in alone]
    off = [fmean((one.times - 1) ** 2 for one in some) for some in (alone, together)]
    assert off[1] < off[0] / 2
    assert all(one.freedom == DAYS + shared.freedom for one in together)


def test_one_series_alone_keeps_what_it_knows() -> None:
    one = Spread(3.0, DAYS)
    assert moderated(one, common([one])).times == pytest.approx(3.0)
    assert common([]).times == common([Spread(1.0, 0.0)]).times == 1.0


def test_squares_of_usual_days_are_and_vary_as_is_assumed() -> None:
    dice = Random(3)
    squares = [min(FARTHEST, dice.gauss(0, 1) ** 2) for _ in range(40_000)]
    assert fmean(squares) == pytest.approx(EXPECTED, rel=0.02)
    assert fmean((one / EXPECTED - 1) ** 2 for one in squares) == pytest.approx(VARIES, rel=0.03)
