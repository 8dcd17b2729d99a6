"""What a run will come to, from what earlier ones came to."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry.outlook.conformal import Pool
from telemetry.outlook.forecast import Book, Expected, first_stat
from telemetry.outlook.keys import Key, fingerprint, keys_of

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEYOND = Pool([0.0], [AT], above_q90=-1 / 64)  # its bound of nine in ten lies beyond all scores


def keys(task_type: str = "fix", agent: str = "a", description: str = "tests") -> list[Key]:
    """The keys of a run."""
    return keys_of(tool="t", task_type=task_type, agent=agent, fingerprint=fingerprint(description))


def book_of(*runs: tuple[list[Key], float]) -> Book:
    """A book that learned from these, a minute apart."""
    book = Book()
    for number, (of_run, amount) in enumerate(runs):
        book.learn(of_run, amount, AT + number * MINUTE)
    return book


def expected(book: Book, of_run: list[Key]) -> Expected:
    """What is expected of a run of which something is known."""
    found = book.expect(of_run)
    assert found is not None
    return found


def many(task_type: str, amount: float, runs: int = 40) -> list[tuple[list[Key], float]]:
    """Runs of ever new tasks of a kind, around an amount."""
    random = Random(task_type)
    return [
        (keys(task_type, description=f"{task_type} {chr(97 + n)}"), amount * random.uniform(0.8, 1.25))
        for n in range(runs)
    ]


def test_of_nothing_nothing_is_expected() -> None:
    assert Book().expect(keys()) is None


def test_a_run_is_expected_to_come_to_what_runs_of_its_kind_came_to() -> None:
    book = book_of(*many("fix", 1_000), *many("plan", 50_000))
    assert 800 < expected(book, keys("fix", description="new")).quantile(0.5) < 2_000
    assert 30_000 < expected(book, keys("plan", description="new")).quantile(0.5) < 60_000


def test_what_is_known_of_a_finer_kind_counts_the_more_the_more_runs_it_rests_on() -> None:
    others = many("fix", 1_000)
    medians = [
        expected(book_of(*others, *[(keys(description="huge"), 20_000.0)] * runs), keys(description="huge")).quantile(
            0.5
        )
        for runs in (0, 1, 3, 10)
    ]
    assert medians == sorted(medians)
    assert medians[0] < 1_500
    assert medians[1] < 18_000 < medians[3] < 25_000


def test_a_kind_that_nobody_saw_backs_off_to_the_coarser_one_and_says_so() -> None:
    book = book_of(*many("fix", 1_000))
    names = {0: "global", 1: "tool", 3: "agent"}
    for level, asked in ((3, keys("fix", description="new")), (1, keys("new")), (0, [keys()[0]])):
        assert expected(book, asked).level == level, names[level]
    assert expected(book, keys("fix", agent="b", description="new")).level == 2


def test_a_level_of_which_a_run_says_nothing_is_passed_over() -> None:
    silent = keys_of(tool="", task_type="", agent="a", fingerprint="")
    assert [key.level for key in silent] == [0, 3]
    assert expected(book_of((silent, 100.0), (silent, 110.0)), silent).runs == 2


def test_old_runs_are_forgotten() -> None:
    book = book_of(*[(keys(), 1_000.0)] * 100, *[(keys(), 8_000.0)] * 200)
    assert expected(book, keys()).quantile(0.5) > 6_000
    assert expected(book, keys()).mean_amount == pytest.approx((1_000 * 100 + 8_000 * 200) / 300)


def test_a_run_that_comes_late_counts_as_if_it_had_come_in_its_place() -> None:
    """History is often added up newest first."""
    amounts = [1_000.0] * 150 + [8_000.0] * 150
    forwards, backwards = Book(), Book()
    for n in range(300):
        forwards.learn(keys(), amounts[n], AT + n * MINUTE)
        backwards.learn(keys(), amounts[299 - n], AT + (299 - n) * MINUTE)
    (there, back) = (book.stats[keys()[0]] for book in (forwards, backwards))
    assert back.mean == pytest.approx(there.mean, abs=0.1)
    assert back.weight == pytest.approx(there.weight, rel=0.1)
    assert (back.first_at, back.last_at, back.runs) == (there.first_at, there.last_at, there.runs)


def test_statistics_are_those_of_a_sum_with_weights() -> None:
    values = [3.0, 5.0, 4.0, 9.0]
    stat = first_stat(values[0], 0.0, AT)
    for n, value in enumerate(values[1:], 1):
        stat = stat.with_one(value, 0.0, AT + n * MINUTE)
    weights = [0.99**n for n in (3, 2, 1, 0)]
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    assert stat.weight == pytest.approx(sum(weights))
    assert stat.mean == pytest.approx(mean)
    assert stat.m2 == pytest.approx(sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True)))


outlooks = st.builds(
    lambda mean, spread, scores, above: Expected(
        mean=mean, spread=spread, level=2, runs=9, mean_amount=1.0,
        pool=Pool(scores, [AT] * len(scores), above_q90=above),
    ),
    st.floats(0, 30),
    st.floats(0.01, 3),
    st.lists(st.floats(-8, 8), max_size=60),
    st.floats(-0.02, 0.5),
)  # fmt: skip
shares = st.floats(0.01, 0.99)


@given(outlooks, st.lists(shares, min_size=2, max_size=6), st.floats(0, 1e12))
@example(Expected(mean=0, spread=1, level=2, runs=9, mean_amount=1, pool=BEYOND), [0.875, 0.9375], 1.0)
def test_quantiles_never_fall_and_are_never_less_than_what_is_sure(
    outlook: Expected, asked: list[float], at_least: float
) -> None:
    found = [outlook.given(at_least).quantile(share) for share in sorted(asked)]
    assert found == sorted(found)
    assert found[0] >= at_least


@given(outlooks, shares, st.floats(0.5, 20))
def test_the_probability_to_exceed_falls_with_the_amount_and_rises_with_what_is_spent(
    outlook: Expected, share: float, times: float
) -> None:
    amount = outlook.quantile(share)
    assert 0 <= outlook.share_above(amount * times * 1.001) <= outlook.share_above(amount * min(times, 1.0)) <= 1
    spent = outlook.given(amount / 2)
    assert spent.share_above(amount) >= outlook.share_above(amount) - 1e-6
    assert spent.share_above(amount / 3) == 1.0


def test_of_a_run_that_has_come_to_more_than_any_other_still_more_is_expected() -> None:
    """A tail that ended would say that it is over now."""
    outlook = expected(book_of(*many("fix", 1_000)), keys("fix"))
    far = outlook.given(1_000_000)
    assert 1_000_000 < far.quantile(0.5) < 10_000_000


def test_the_probability_agrees_with_the_quantile() -> None:
    outlook = expected(book_of(*many("fix", 1_000)), keys("fix"))
    for share in (0.1, 0.5, 0.9, 0.98):
        assert outlook.share_above(outlook.quantile(share)) == pytest.approx(1 - share, abs=0.02)


def test_no_amount_is_beyond_what_can_be_stored() -> None:
    outlook = expected(book_of(*[(keys(), 2.0**62), (keys(), 1.0)] * 10), keys())
    assert math.isfinite(outlook.given(2.0**62).quantile(0.99))
    assert outlook.quantile(0.9) < 2**63


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fix the tests of 2026-03-02", "fix  the tests of 2026-11-28\n"),
        ("Look at run 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "look at run 7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("commit 9ba908a1 again", "commit dd1d60f2 again"),
        ("12 files at 10:32:05", "7 files at 9:00"),
    ],
)
def test_what_changes_from_run_to_run_is_no_part_of_a_fingerprint(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other) != ""


def test_other_words_are_another_task_and_an_id_stands_for_a_description_that_is_missing() -> None:
    assert fingerprint("Fix the tests") != fingerprint("Fix the docs")
    assert fingerprint("", "T-1") != fingerprint("", "T-2")
    assert fingerprint("Fix", "T-1") == fingerprint("Fix", "T-2")
    assert fingerprint(" \n") == ""


def test_neighbouring_words_make_no_key_alike() -> None:
    assert (
        keys_of(tool="", task_type="ab", agent="c", fingerprint="")[-1]
        != keys_of(tool="", task_type="a", agent="bc", fingerprint="")[-1]
    )
