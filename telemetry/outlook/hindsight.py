"""Forecasts beside what became of their runs, and how they did: sums, and the shares that follow from them. Pure.

Beside them stand naive rules: the mean of earlier runs, and one and a half times that. Source: methods.md §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID

STEPS = 20  # of the curve of calibration: 5 % each
CHANCE = 1.358  # Kolmogorov–Smirnov: by chance alone one range in twenty is further off than this / sqrt(n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Sums over some forecasts. `scored` have an estimate and an outcome; of them some came to no more than the median,
    the bound (nine tenths), and one and a half times the mean of earlier runs, where `with_naive` says that there are
    any; `loss` is the pinball loss of the bound over those, `loss_naive` that of the naive one.

    `judged` had a budget and an outcome, `exceeded` that exceeded it; of whom each rule warned, and was right.
    `going_share` adds up which part of a run's final spending was spent when it was seen while the run went on.
    """

    forecasts: int = 0
    asked: int = 0
    estimated: int = 0
    scored: int = 0
    within_q50: int = 0
    within_q90: int = 0
    with_naive: int = 0
    within_naive: int = 0
    loss: float = 0.0
    loss_naive: float = 0.0
    judged: int = 0
    exceeded: int = 0
    warned: int = 0
    warned_right: int = 0
    naive_warned: int = 0
    naive_right: int = 0
    bound_warned: int = 0
    bound_right: int = 0
    going_warned: int = 0
    going_right: int = 0
    going_share: float = 0.0

    @property
    def loss_against_naive(self) -> float | None:
        """The loss of the bound as a share of the naive one's."""
        return self.loss / self.loss_naive if self.loss_naive else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayScores:
    """The sums of a local day and a level of keys."""

    day: date
    level: str
    scores: Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """One forecast, beside what became of its run as far as that is known."""

    id: UUID
    asked_at: datetime
    is_asked: bool
    execution_id: str
    task_id: str
    task_type: str
    tool: str
    agent: str
    session_id: str
    level: str
    n: int
    tokens_q50: int | None
    tokens_q90: int | None
    cost_q50_nanousd: int | None
    cost_q90_nanousd: int | None
    duration_q50_ms: int | None
    duration_q90_ms: int | None
    budget_period: str
    budget_counts: str
    budget_limit: int | None
    budget_spent: int | None
    budget_used: int | None
    p_exceed: float | None
    warns: bool
    ended_at: datetime | None
    tokens: int | None
    cost_nanousd: int | None
    duration_ms: int | None
    exceeded: bool | None
    overrun_at: datetime | None


def total(parts: Iterable[Scores]) -> Scores:
    """The sums of all."""
    rows = list(parts)
    return Scores(**{field.name: sum(getattr(row, field.name) for row in rows) for field in fields(Scores)})


def curve(bins: Sequence[int]) -> list[float]:
    """Which share of runs came to no more than each quantile that was expected, from 5 % to 95 %, out of how many fell
    into each step; empty where none did. Right forecasts give the steps themselves."""
    n = sum(bins)
    return [sum(bins[: place + 1]) / n for place in range(STEPS - 1)] if n else []


def furthest(bins: Sequence[int]) -> float:
    """How far the curve is from being right, at most."""
    return max((abs(share - (place + 1) / STEPS) for place, share in enumerate(curve(bins))), default=0.0)


def by_chance(n: int) -> float:
    """How far right forecasts of so many independent runs are off in one range in twenty."""
    return min(CHANCE / n**0.5, 1.0) if n else 1.0
