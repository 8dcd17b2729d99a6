"""Estimates for models without a public tokenizer: what is assumed, and how receipts move it."""

from __future__ import annotations

import math
import random

import pytest

from telemetry.outlook.ratios import DECAY, Ratio, estimate, quotient_log


def taught(logs: list[float]) -> Ratio:
    """What receipts leave, by the definition: weights that decay, their mean, and the squares around it."""
    if not logs:
        return Ratio()
    weights = [DECAY ** (len(logs) - 1 - n) for n in range(len(logs))]
    mean = sum(w * log for w, log in zip(weights, logs, strict=True)) / sum(weights)
    squares = sum(w * (log - mean) ** 2 for w, log in zip(weights, logs, strict=True))
    return Ratio(sum(weights), mean, squares, len(logs))


def test_without_receipts_a_known_family_has_its_assumption_and_others_ours() -> None:
    assert estimate(1_000, model="anthropic/Claude-Opus-4-5", known=Ratio()).tokens == 1_120
    unknown = estimate(1_000, model="house-llama", known=Ratio())
    assert (unknown.tokens, unknown.low < 600, unknown.high > 1_600) == (1_000, True, True)
    assert estimate(0, model="house-llama", known=Ratio()).high == 0


def test_receipts_move_the_estimate_to_what_the_provider_says_and_narrow_it() -> None:
    draw = random.Random(4)
    widths = []
    for receipts in (0, 1, 5, 40):
        known = taught([math.log(1.4) + draw.gauss(0, 0.06) for _ in range(receipts)])
        made = estimate(10_000, model="house-llama", known=known)
        widths.append(made.high - made.low)
    assert widths == sorted(widths, reverse=True)
    assert made.tokens == pytest.approx(14_000, rel=0.03)


@pytest.mark.parametrize("ratio", [0.8, 1.0, 1.35])
def test_nine_of_ten_later_texts_lie_in_the_range(ratio: float) -> None:
    draw, inside = random.Random(7), 0
    logs = [math.log(ratio) + draw.gauss(0, 0.1) for _ in range(80)]
    for n in range(30, 80):
        made = estimate(5_000, model="house-llama", known=taught(logs[:n]))
        inside += made.low <= 5_000 * math.exp(logs[n]) <= made.high
    assert 40 <= inside <= 50


def test_a_tokenizer_that_changes_is_followed() -> None:
    before, after = [0.0] * 200, [math.log(1.3)] * 150
    assert estimate(1_000, model="house-llama", known=taught(before + after)).tokens > 1_200


@pytest.mark.parametrize(("counted", "said"), [(49, 60), (60, 49), (0, 0), (100, 2_001), (2_001, 100)])
def test_a_short_receipt_and_one_of_another_text_teach_nothing(counted: int, said: int) -> None:
    assert quotient_log(counted, said) is None


def test_a_receipt_teaches_its_quotient() -> None:
    assert quotient_log(100, 125) == pytest.approx(math.log(1.25))
