"""Percentiles that are read from bins are as near to the true ones as is promised."""

from __future__ import annotations

from collections import Counter
from math import ceil, floor, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.series.histogram import EDGES, ERROR, bin_of, merged, percentile

COUNTS = st.integers(0, 2**60)


def exact(values: list[int], percent: int) -> int:
    """The least value that at least so many percent do not exceed."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


@given(st.lists(COUNTS, min_size=1, max_size=60), st.integers(1, 100))
@settings(max_examples=300)
def test_a_percentile_is_within_the_stated_error_of_the_true_one(values: list[int], percent: int) -> None:
    read = percentile(Counter(map(bin_of, values)), percent / 100)
    true = exact(values, percent)
    assert read is not None
    assert true / (1 + ERROR) <= read * (1 + 1e-9)
    assert read <= true * (1 + ERROR) * (1 + 1e-9)


@given(st.integers(1, 2**40))
def test_the_bin_of_a_count_is_the_quarter_of_a_doubling_that_it_lies_in(value: int) -> None:
    assert abs(bin_of(value) - (1 + floor(4 * log2(value)))) <= (value in EDGES)  # a logarithm is inexact at an edge
    assert EDGES[bin_of(value) - 1] <= value < EDGES[bin_of(value)]


def test_zero_has_a_bin_of_its_own() -> None:
    assert (bin_of(0), percentile({0: 3}, 0.5)) == (0, 0.0)


@pytest.mark.parametrize("value", [1, 2, 3, 4, 5, 6])
def test_a_bin_that_holds_one_count_is_exact(value: int) -> None:
    assert percentile({bin_of(value): 1}, 0.5) == value


def test_no_percentile_is_made_up_where_nothing_was_counted() -> None:
    assert percentile({}, 0.5) is None


@given(st.lists(st.lists(COUNTS, max_size=20), max_size=5))
def test_histograms_of_parts_add_up_to_that_of_the_whole(parts: list[list[int]]) -> None:
    histograms = [Counter(map(bin_of, part)) for part in parts]
    rows = [(list(each), list(each.values())) for each in histograms]
    assert merged(rows) == Counter(bin_of(value) for part in parts for value in part)


def test_a_tenth_of_thirty_is_three() -> None:
    assert percentile(Counter(map(bin_of, [1] * 3 + [1_000] * 27)), 0.1) == 1
