"""A project's days, grouped into the series that are judged: all runs, those of an agent, a task type, a model. Pure.

Kinds of runs that a series holds (its strata) are told apart by what it does not name itself: an agent's by task type,
a task type's by agent, a model's and the project's by both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from telemetry.outlook.intensity import NOTHING, Sample
from telemetry.outlook.verdicts import DIMENSIONS, DaySum, Dimension

WINDOW = 30  # days before the one that is judged
PLACES = WINDOW + 1  # 0 is the oldest day, WINDOW the one that is judged
MOST_SERIES = 200  # of a dimension: those that cost the most in the window


class Cell(NamedTuple):
    """What the judged day cost, by what each of its runs belongs to."""

    agent: str
    task_type: str
    model: str
    cost_nanousd: int
    tokens: int


@dataclass(slots=True)
class Series:
    """A series and its days, by place."""

    dimension: Dimension
    name: str
    strata: dict[tuple[str, ...], list[Sample]] = field(default_factory=lambda: defaultdict(_no_samples))
    runs: list[int] = field(default_factory=lambda: [0] * PLACES)
    tokens: list[int] = field(default_factory=lambda: [0] * PLACES)
    cost_nanousd: list[int] = field(default_factory=lambda: [0] * PLACES)
    unpriced_calls: int = 0
    cells: list[Cell] = field(default_factory=list)

    @property
    def key(self) -> tuple[Dimension, str]:
        """How others name it."""
        return self.dimension, self.name

    @property
    def first(self) -> int:
        """The place of its first day with runs."""
        return next((place for place, runs in enumerate(self.runs) if runs), WINDOW)

    def add(self, row: DaySum, place: int, kind: tuple[str, ...]) -> None:
        """Add runs of a day."""
        days = self.strata[kind]
        known = days[place]
        days[place] = Sample(
            known.runs + row.measured, known.log_sum + row.log_sum, known.log_squares + row.log_squares
        )
        self.runs[place] += row.runs
        self.tokens[place] += row.tokens
        self.cost_nanousd[place] += row.cost_nanousd
        self.unpriced_calls += row.unpriced_calls
        if place == WINDOW:
            self.cells.append(Cell(row.agent, row.task_type, row.model, row.cost_nanousd, row.tokens))


def _no_samples() -> list[Sample]:
    return [NOTHING] * PLACES


_GROUPS: Mapping[Dimension, Callable[[DaySum], tuple[str, tuple[str, ...]]]] = {
    "project": lambda row: ("", (row.agent, row.task_type)),
    "agent": lambda row: (row.agent, (row.task_type,)),
    "task_type": lambda row: (row.task_type, (row.agent,)),
    "model": lambda row: (row.model, (row.agent, row.task_type)),
}


def series_of(sums: Iterable[DaySum], *, day: date) -> list[Series]:
    """The series of the window that ends with `day`, those that cost the most first in each dimension. What nobody
    named is no series but a part of the project's."""
    found: dict[tuple[Dimension, str], Series] = {}
    for row in sums:
        place = WINDOW - (day - row.day).days
        if 0 <= place <= WINDOW:
            for dimension in DIMENSIONS:
                name, kind = _GROUPS[dimension](row)
                if name or dimension == "project":
                    series = found.get((dimension, name))
                    if series is None:
                        series = found[dimension, name] = Series(dimension, name)
                    series.add(row, place, kind)
    return [one for dimension in DIMENSIONS for one in _dearest(found.values(), dimension)]


def _dearest(found: Iterable[Series], dimension: Dimension) -> list[Series]:
    mine = [one for one in found if one.dimension == dimension]
    return sorted(mine, key=lambda one: (-sum(one.cost_nanousd), -sum(one.tokens), one.name))[:MOST_SERIES]
