"""Tokens of models whose tokenizer is not public: what ours counts, times a ratio that receipts have taught. Pure.

A receipt is a text that we counted and what the provider then said that it was. The logarithms of their quotients are
averaged, each newer one weighing 1 % more than the one before, and mixed with what is assumed before the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

DECAY = 0.99  # what an earlier receipt still weighs beside the next
FEWEST_TOKENS = 50  # of a receipt, below which what the provider adds around the text would be most of it
WIDEST = 20.0  # the farthest that a receipt may be from ours; beyond, it is of another text
_ASSUMED_WEIGHT = 1.0  # receipts that the assumption stands for
_ASSUMED_SPREAD = 0.25  # of the logarithm: a text may well be a quarter more or less
_NINE_OF_TEN = NormalDist().inv_cdf(0.95)
# 24 answers of Claude Opus 4.5 and 4.6 had 3.35 characters a token; o200k_base has 3.76 of English technical prose.
_ASSUMED: dict[str, float] = {"claude": 1.12}


@dataclass(frozen=True, slots=True)
class Ratio:
    """What receipts of a model have taught: their decayed weight, the mean of the logarithms, and the sum of squares
    around it."""

    weight: float = 0.0
    mean_log: float = 0.0
    m2_log: float = 0.0
    receipts: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many tokens; nine of ten such texts lie between `low` and `high`."""

    tokens: int
    low: int
    high: int


def estimate(counted: int, *, model: str, known: Ratio) -> Estimate:
    """What a text of which o200k_base makes `counted` tokens is for a model."""
    weight = known.weight + _ASSUMED_WEIGHT
    assumed = math.log(_assumed(model))
    mean = (known.weight * known.mean_log + _ASSUMED_WEIGHT * assumed) / weight
    squares = known.m2_log + _ASSUMED_WEIGHT * _ASSUMED_SPREAD**2
    reach = _NINE_OF_TEN * math.sqrt(squares / weight * (1 + 1 / weight))
    low, middle, high = (round(counted * math.exp(mean + way * reach)) for way in (-1, 0, 1))
    return Estimate(middle, low, high)


def quotient_log(counted: int, said: int) -> float | None:
    """The logarithm of what a provider said over what was counted; None where that teaches nothing."""
    if min(counted, said) < FEWEST_TOKENS or not 1 / WIDEST <= said / counted <= WIDEST:
        return None
    return math.log(said / counted)


def _assumed(model: str) -> float:
    return next((ratio for name, ratio in _ASSUMED.items() if name in model.lower()), 1.0)
