"""Bounds that hold as often as they promise, also while what is bounded drifts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean

import pytest

from telemetry.outlook import conformal
from telemetry.outlook.conformal import POOL, Pool

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def held(pool: Pool, scores: list[float], level: float) -> list[bool]:
    """Whether each next score is within the bound that stands before it."""
    found = []
    for n, score in enumerate(scores):
        found.append(score <= pool.score_at(level))
        pool.add(score, AT + n * SECOND)
    return found


def drifting(seed: int) -> list[float]:
    """A thousand scores around 0, then four hundred around 1.5."""
    random = Random(seed)
    return [random.gauss(0 if n < 1_000 else 1.5, 1) for n in range(1_400)]


def after_the_drift(level: float) -> float:
    """The share that is within the bound in the 400 after it, over five streams."""
    return fmean(share for seed in range(5) for share in held(Pool(), drifting(seed), level)[1_000:])


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_a_bound_holds_as_often_as_it_promises_also_after_a_drift(level: float) -> None:
    assert after_the_drift(level) == pytest.approx(level, abs=0.03)


def test_without_adapting_it_would_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformal, "GAMMA", 1e-9)
    assert after_the_drift(0.9) < 0.8


def test_one_run_of_thirty_moves_the_bound_less_than_one_of_three_hundred() -> None:
    moved = []
    for count in (30, 300):
        pool = Pool([n / count for n in range(count)], [AT] * count)
        pool.add(9.0, AT)
        moved.append(0.1 - pool.above_q90)
    assert moved[1] == pytest.approx(0.9 * conformal.GAMMA)
    assert moved[0] < moved[1] / 5


def test_scores_that_ever_grow_are_followed_without_a_leap() -> None:
    pool = Pool()
    bounds = []
    for n in range(1_000):
        pool.add(n / 50, AT + n * SECOND)
        bounds.append(pool.score_at(0.9) - n / 50)
    assert max(bounds) < 3
    assert fmean(bound > 0 for bound in bounds[200:]) > 0.85


def test_before_there_are_scores_a_bound_is_that_of_a_normal_distribution() -> None:
    assert Pool().score_at(0.9) == pytest.approx(1.2816, abs=1e-3)
    assert Pool().score_at(0.5) == pytest.approx(0, abs=1e-9)


def test_only_the_last_scores_are_kept_and_one_that_comes_too_late_changes_nothing() -> None:
    pool = Pool()
    for n in range(POOL + 20):
        pool.add(float(n), AT + n * SECOND)
    assert (pool.scores[0], pool.scores[-1], len(pool.scores)) == (20.0, POOL + 19.0, POOL)
    before = (list(pool.scores), pool.above_q50, pool.above_q90)
    pool.add(1e6, AT)
    assert (pool.scores, pool.above_q50, pool.above_q90) == before


def test_a_pool_that_was_written_down_and_read_again_goes_on_as_before() -> None:
    random = Random(3)
    pool = Pool()
    for n in range(600):
        pool.add(random.gauss(0, 1), AT + n * SECOND)
        again = Pool(list(pool.scores), list(pool.ats), pool.above_q50, pool.above_q90)
        assert again.score_at(0.9) == pool.score_at(0.9)
