"""What a day came to, and what is said of it against the days before. Pure.

A series is what all runs of a project have alike in one dimension: an agent, a task type, a model, or only the project.
Of each, two things are judged apart: how much a run takes (`intensity`), and how many runs there are (`volume`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

Dimension = Literal["project", "agent", "task_type", "model"]
What = Literal["intensity", "volume"]
State = Literal["learning", "usual", "flagged"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySum:
    """The runs that began in a local day and have agent, task type and model alike. `measured` are those with tokens,
    and `log_sum` and `log_squares` the sums of ln(tokens) and of its square over them."""

    day: date
    agent: str
    task_type: str
    model: str
    runs: int
    measured: int
    log_sum: float
    log_squares: float
    tokens: int
    cost_nanousd: int
    unpriced_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one local day of a series is against the days before.

    `value`: of intensity the tokens of a usual run, the geometric mean; of volume the runs. `level`: the median of the
    seven days before, `baseline`: what thirty days make likely; both with the band in which nineteen of twenty days
    with as many runs lie. While `learning` there is neither, nor anything after it. `slope`: how a day changes it (a
    share, Theil and Sen over thirty days), `slope_p` Kendall's p. `z`: how many standard deviations, `p` and `q`: how
    likely that is by chance, alone and among all series of the day (Benjamini and Hochberg). `effect`: times of what is
    expected. `at_stake_nanousd`: what the day cost beyond that, negative where it saved.

    `is_flagged`: unusual, large and dear enough; the day is left out of later baselines. `is_shift`: two of three days
    agree. `is_alert`: people are to be told: it rose, has just begun, and no other series (`root_…`) explains it.
    """

    day: date
    dimension: Dimension
    name: str
    what: What
    state: State
    runs: int
    value: float | None
    level: float | None = None
    low_7: float | None = None
    high_7: float | None = None
    baseline: float | None = None
    low_30: float | None = None
    high_30: float | None = None
    baseline_days: int = 0
    baseline_runs: int = 0
    slope: float | None = None
    slope_p: float | None = None
    z: float | None = None
    p: float | None = None
    q: float | None = None
    effect: float | None = None
    tokens: int = 0
    cost_nanousd: int = 0
    at_stake_nanousd: int = 0
    is_flagged: bool = False
    is_shift: bool = False
    is_alert: bool = False
    root_dimension: str = ""
    root_name: str = ""

    @property
    def is_outside(self) -> bool:
        """Whether the value lies outside the band of thirty days, as it does on one usual day of twenty."""
        if self.value is None or self.low_30 is None or self.high_30 is None:
            return False
        return not self.low_30 <= self.value <= self.high_30


def verdicts_of(said: Iterable[Verdict], filters: Mapping[str, Sequence[str]]) -> list[Verdict]:
    """What is said of the series that filters name, as `{"agent": ["codex"]}`; everything where there is no filter."""
    return [one for one in said if not filters or one.name in filters.get(one.dimension, ())]
