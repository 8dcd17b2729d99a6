"""What was learned of tiers: how often each answers well, by task type, shrunk to what is known of the tier. Pure.

methods.md's finding for it: a table by key with k = 30 does what a text model does (APGR 0.675 and 0.670 on MMLU), and
prompt length alone is the floor that a router must beat, so it is all that is asked of a prompt before anything else is
known.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log, log1p, sqrt

from msgspec import Struct

SHRINK = 30.0
# Before anything is known a higher tier answers better: so much at the lowest, so much at the highest.
_LOWEST_PRIOR, _HIGHEST_PRIOR = 0.70, 0.90
# How much of a logit a prompt costs that is one standard deviation longer (in its logarithm) than is usual.
_LENGTH_SLOPE = 0.4
# How much of what an answer says of its question, in logits, holds for the other tiers too; and below what chance a
# worse answer says no more of the question.
_SHARED, _NO_WORSE = 0.2, 0.05
_LEAST = 0.005


class Counted(Struct, frozen=True):
    """Answers of a tier: how many, how many were good (a sum of chances where it is not known), how many of them the
    gate refused."""

    n: float = 0.0
    good: float = 0.0
    refused: float = 0.0


class Lengths(Struct, frozen=True):
    """Prompts of a task type: how many, and the mean and variance of the logarithm of their characters (plus 1)."""

    n: float = 0.0
    mean: float = log(2_000)
    variance: float = 1.0


_NONE, _USUAL = Counted(), Lengths()


class Table(Struct, frozen=True, kw_only=True):
    """What was learned of one project. `by_type` is by (task type, tier id), `by_tier` by tier id."""

    by_type: Mapping[tuple[str, int], Counted] = {}
    by_tier: Mapping[int, Counted] = {}
    lengths: Mapping[str, Lengths] = {}


def p_good(table: Table, task_type: str, tier_id: int, *, height: float, prompt_chars: int) -> float:
    """How likely the tier answers such a prompt well. `height` is its place among the tiers, 0 lowest to 1 highest."""
    prior = _LOWEST_PRIOR + (_HIGHEST_PRIOR - _LOWEST_PRIOR) * height
    of_tier = table.by_tier.get(tier_id, _NONE)
    of_type = table.by_type.get((task_type, tier_id), _NONE)
    usual = _shrunk(of_type.good, of_type.n, _shrunk(of_tier.good, of_tier.n, prior))
    return shifted(usual, -_LENGTH_SLOPE * _unusual_length(table, task_type, prompt_chars))


def p_refused(table: Table, task_type: str, tier_id: int) -> float | None:
    """How likely the gate refuses the tier's answer; None where too little is known to leave the tier out for it."""
    of_type = table.by_type.get((task_type, tier_id), _NONE)
    if of_type.n < SHRINK:
        return None
    of_tier = table.by_tier.get(tier_id, of_type)
    return _shrunk(of_type.refused, of_type.n, of_tier.refused / of_tier.n if of_tier.n else 0.5)


def after_evidence(other: float, *, expected: float, found: float) -> float:
    """How likely another tier answers well, when an answer of which `expected` was hoped turned out as `found`."""
    return shifted(other, _SHARED * (_logit(max(found, _NO_WORSE)) - _logit(expected)))


def shifted(p: float, by: float) -> float:
    """A probability moved by so many logits."""
    return 1 / (1 + exp(-(_logit(p) + by)))


def _shrunk(good: float, n: float, to: float) -> float:
    return (good + SHRINK * to) / (n + SHRINK)


def _unusual_length(table: Table, task_type: str, chars: int) -> float:
    """How many standard deviations longer than usual, between -3 and 3; what is usual is shrunk as all else is."""
    seen = table.lengths.get(task_type, _USUAL)
    weight = seen.n / (seen.n + SHRINK)
    mean = weight * seen.mean + (1 - weight) * _USUAL.mean
    variance = weight * seen.variance + (1 - weight) * _USUAL.variance
    return max(-3.0, min(3.0, (log1p(chars) - mean) / sqrt(max(variance, 0.01))))


def _logit(p: float) -> float:
    p = min(max(p, _LEAST), 1 - _LEAST)
    return log(p / (1 - p))
