"""What is asked before a run of a task, and what is expected of it. Pure.

Tokens of a run are counted in three ways, as budgets count: `gross` (each token once), `weighted` (input by its price,
and output), `usd` (nano-dollars).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Level = Literal[
    "", "global", "tool", "task_type", "agent", "description"
]  # of what an estimate rests on, coarse to fine
Counts = Literal["gross", "weighted", "usd"]
FEWEST_RUNS = 20  # of a project, below which nothing is estimated. Source: methods.md §4
WARN_FROM = 0.4  # probability of exceeding a budget from which on a person is told. Source: methods.md §4
WARN_RUNS = 2  # earlier runs of the task's own kind, below which nobody is: the ranking is no better than chance
OWN_LEVELS: frozenset[Level] = frozenset({"task_type", "agent", "description"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run that is about to begin. `execution_id` ties the forecast to what becomes of the run; without one nobody
    can know. `description` (or where there is none `task_id`) is what runs of the same task have alike."""

    task_type: str = ""
    tool: str = ""
    agent: str = ""
    description: str = ""
    task_id: str = ""
    context_tokens: int | None = None
    session_id: str = ""
    session_type: str = ""
    execution_id: str = ""
    objective: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """Half of such runs come to no more than `q50`, nine of ten to no more than `q90`."""

    q50: int
    q90: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """The probability that `spent` and what the run comes to exceed the `limit` of one budget, both in what it
    `counts`. `period`: "run" is the budget of each task's run by itself, "session" that of its whole session. None:
    nothing is known that is counted so, such as costs of a model without a price. `naive`: the mean of earlier runs."""

    budget_id: int | None
    scope: str
    subject: str
    period: str
    counts: Counts
    limit: int
    spent: int
    probability: float | None
    naive: int | None = None

    @property
    def naive_exceeds(self) -> bool | None:
        """What the naive rule says: whether the mean of earlier runs exceeds the limit."""
        return None if self.naive is None else self.spent + self.naive > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is expected of a run: `tokens` gross, `weighted` by price, cost, time. None where nothing is known of it.

    `n`: how many earlier runs there are of the finest kind, `level`, of which there is one; `runs` in the project.
    `why_none`: a sentence where there is no estimate, else empty. `chances`: a budget each, the likeliest first.
    """

    id: UUID
    asked_at: datetime
    tokens: Range | None = None
    weighted: Range | None = None
    cost_nanousd: Range | None = None
    duration_ms: Range | None = None
    chances: tuple[Chance, ...] = ()
    n: int = 0
    level: Level = ""
    runs: int = 0
    why_none: str = ""

    @property
    def p_exceed(self) -> float | None:
        """The largest probability of exceeding a budget."""
        return max((one.probability for one in self.chances if one.probability is not None), default=None)

    @property
    def may_warn(self) -> bool:
        """Whether it rests on enough to tell a person: never on runs of other kinds of tasks."""
        return not self.why_none and self.level in OWN_LEVELS and self.n >= WARN_RUNS

    @property
    def warns(self) -> bool:
        """Whether a person is to be told before the run begins."""
        return self.may_warn and (self.p_exceed or 0.0) >= WARN_FROM
