"""Tokens of a prompt of which the provider says nothing, by what it said of others."""

from __future__ import annotations

import pytest

from routing.gateway.ratios import Ratios


def test_a_tier_is_estimated_by_its_own_receipts() -> None:
    ratios = Ratios()
    assert ratios.tokens(4_000, 1) == 1_001
    for size in range(1_000, 60_000, 500):
        ratios.learn(1, size, size // 3)
    assert ratios.tokens(9_000, 1) == pytest.approx(3_000, rel=0.01)
    assert ratios.tokens(9_000, 2) == 2_251


@pytest.mark.parametrize(("size", "tokens"), [(100, 50), (10_000, 0), (10_000, 2), (10_000, 90_000)])
def test_a_receipt_that_cannot_be_teaches_nothing(size: int, tokens: int) -> None:
    ratios = Ratios()
    ratios.learn(1, size, tokens)
    assert ratios.tokens(4_000, 1) == 1_001
