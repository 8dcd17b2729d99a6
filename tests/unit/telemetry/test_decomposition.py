"""A difference of cost is cut into volume, mix, tokens a run and price, and adds up to the nano-dollar."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.outlook.decomposition import CellChange, Effects, Key, Sums, apportioned, by_part, decompose, together

KEYS = st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(("m", "=n()", "")))
CELLS = st.builds(
    Sums,
    st.integers(1, 10**6),
    st.one_of(st.just(0), st.integers(0, 10**12)),
    st.one_of(st.just(0), st.integers(0, 10**15)),
)
SPANS = st.dictionaries(KEYS, CELLS, max_size=6)
DAYS = st.integers(1, 30)
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(PATIENT, max_examples=40)
A: Key = ("a",)
B: Key = ("b",)
C: Key = ("c",)
BASE: Mapping[Key, Sums] = {("a", "fix", "m"): Sums(10, 10_000, 5_000), ("b", "fix", "n"): Sums(30, 90_000, 9_000)}


def effects_of(before: Mapping[Key, Sums], after: Mapping[Key, Sums]) -> Effects:
    return decompose(before, after).whole.effects


@PATIENT
@given(before=SPANS, after=SPANS, days_before=DAYS, days_after=DAYS)
def test_rows_and_columns_add_up_to_the_difference_to_the_nano_dollar(
    before: dict[Key, Sums], after: dict[Key, Sums], days_before: int, days_after: int
) -> None:
    found = decompose(before, after, days_before=days_before, days_after=days_after)
    cost_before, cost_after = (sum(one.cost_nanousd for one in span.values()) for span in (before, after))
    whole = found.whole
    assert abs(whole.before_nanousd - Fraction(cost_before, days_before)) <= Fraction(1, 2)
    assert abs(whole.after_nanousd - Fraction(cost_after, days_after)) <= Fraction(1, 2)
    assert sum(whole.effects) == whole.after_nanousd - whole.before_nanousd
    for cell in found.cells:
        assert sum(cell.effects) == cell.after_nanousd - cell.before_nanousd
    for place in range(3):
        assert together((), by_part(found.cells, place)) == whole


@FEW
@given(before=SPANS, after=SPANS, days_before=DAYS, days_after=DAYS)
def test_from_the_other_end_every_part_only_changes_its_sign(
    before: dict[Key, Sums], after: dict[Key, Sums], days_before: int, days_after: int
) -> None:
    there = decompose(before, after, days_before=days_before, days_after=days_after)
    back = {c.key: c for c in decompose(after, before, days_before=days_after, days_after=days_before).cells}
    for cell in there.cells:
        assert all(abs(a + b) <= 2 for a, b in zip(cell.effects, back[cell.key].effects, strict=True))  # rounding


@FEW
@given(span=SPANS, days=DAYS)
def test_what_did_not_change_has_no_parts(span: dict[Key, Sums], days: int) -> None:
    whole = decompose(span, span, days_before=days, days_after=days).whole
    assert whole.effects == Effects()


@FEW
@given(span=SPANS.filter(bool), times=st.integers(2, 9))
def test_more_runs_of_the_same_are_volume_alone(span: dict[Key, Sums], times: int) -> None:
    more = {key: Sums(*(times * number for number in one)) for key, one in span.items()}
    cost = sum(one.cost_nanousd for one in span.values())
    assert effects_of(span, more) == Effects(volume=(times - 1) * cost)


def test_another_share_of_the_same_runs_is_mix_alone() -> None:
    after: dict[Key, Sums] = {("a", "fix", "m"): Sums(30, 30_000, 15_000), ("b", "fix", "n"): Sums(10, 30_000, 3_000)}
    assert effects_of(BASE, after) == Effects(mix=4_000)


def test_longer_runs_are_tokens_a_run_alone() -> None:
    after = {**BASE, ("a", "fix", "m"): Sums(10, 16_000, 8_000)}
    assert effects_of(BASE, after) == Effects(tokens_per_run=3_000)


def test_the_same_tokens_for_more_money_are_price_alone() -> None:
    after = {**BASE, ("b", "fix", "n"): Sums(30, 90_000, 18_000)}
    assert effects_of(BASE, after) == Effects(price=9_000)


def test_a_model_that_takes_over_is_mix_and_not_price() -> None:
    dear: dict[Key, Sums] = {("a", "fix", "dear"): Sums(10, 10_000, 50_000), ("b", "fix", "n"): Sums(30, 90_000, 9_000)}
    assert effects_of(BASE, dear) == Effects(mix=45_000)


def test_the_first_day_of_all_is_volume_alone() -> None:
    assert effects_of({}, BASE) == Effects(volume=14_000)
    assert effects_of(BASE, {}) == Effects(volume=-14_000)
    assert effects_of({}, {}) == Effects()


def test_all_four_at_once_are_the_mean_over_the_orders_of_changing_them() -> None:
    """By hand, for a cell whose share stays one: three factors double, and each has a third of seven times the cost."""
    before, after = {A: Sums(2, 200, 600)}, {A: Sums(4, 800, 4_800)}
    assert effects_of(before, after) == Effects(volume=1_400, tokens_per_run=1_400, price=1_400)


def test_a_cost_without_tokens_is_the_price_of_a_run() -> None:
    before, after = {A: Sums(3, 0, 300)}, {A: Sums(3, 50, 900)}
    assert effects_of(before, after) == Effects(price=600)


def test_a_usual_day_is_the_mean_of_its_span() -> None:
    found = decompose({A: Sums(30, 3_000, 300)}, {A: Sums(2, 200, 20)}, days_before=30)
    assert (found.whole.before_nanousd, found.whole.effects) == (10, Effects(volume=10))


def test_the_largest_difference_comes_first() -> None:
    before = {A: Sums(1, 1, 10), B: Sums(1, 1, 10), C: Sums(1, 1, 10)}
    after = {A: Sums(1, 1, 11), B: Sums(1, 1, 2), C: Sums(1, 1, 10)}
    assert [cell.key for cell in decompose(before, after).cells] == [B, A, C]


def test_what_is_cut_goes_to_those_that_lost_the_most() -> None:
    assert apportioned([2, 4, 0, -3], 6) == [0, 1, 0, 0]
    assert apportioned([1, 1, 1], 3) == [1, 0, 0]
    assert apportioned([1, 1, 1], 3, whole=0) == [0, 0, 0]
    assert apportioned([], 1) == []


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        decompose({}, {}, days_before=0)
    with pytest.raises(ValueError, match="nothing ran for"):
        decompose({A: Sums(0, 5, 5)}, {})


def test_a_cell_says_what_it_was_and_what_it_is() -> None:
    old, new = Sums(10, 10_000, 5_000), Sums(20, 20_000, 10_000)
    assert decompose({A: old}, {A: new}).cells == (CellChange(A, old, new, 5_000, 10_000, Effects(volume=5_000)),)
