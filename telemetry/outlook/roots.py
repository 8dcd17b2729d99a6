"""Which of the series that are unusual at once explain the others, so that one cause is told once. Pure.

An agent whose runs grew makes its task types, its models and the project unusual as well. A series explains another
where half of what that one costs too much lies in runs that both have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telemetry.outlook.grouping import Cell
from telemetry.outlook.verdicts import Dimension

SHARE = 0.5
_PREFERRED: dict[Dimension, float] = {"agent": 1.0, "task_type": 0.9, "model": 0.8, "project": 0.0}  # of near equals
Name = tuple[Dimension, str]


@dataclass(frozen=True, slots=True)
class Cause:
    """A series that is unusual: what that costs (saves, or takes in tokens where there is no price), and its runs."""

    dimension: Dimension
    name: str
    stake: float
    cells: Sequence[Cell]

    @property
    def key(self) -> Name:
        """How others name it."""
        return self.dimension, self.name


def roots(causes: Iterable[Cause], *, by_tokens: bool = False) -> dict[Name, Name]:
    """The series that explains each of those that another explains; all that are given go the same way."""
    found: list[Cause] = []
    explained: dict[Name, Name] = {}
    for cause in sorted(causes, key=lambda one: (-abs(one.stake) * _PREFERRED[one.dimension], one.dimension, one.name)):
        root = next((one for one in found if _explains(one, cause, by_tokens)), None)
        if root is None:
            found.append(cause)
        else:
            explained[cause.key] = root.key
    return explained


def _explains(root: Cause, other: Cause, by_tokens: bool) -> bool:
    shared = sum(cell.tokens if by_tokens else cell.cost_nanousd for cell in root.cells if _holds(other, cell))
    wanted = SHARE * abs(other.stake)
    return wanted <= abs(root.stake) and (wanted <= shared or root.stake < 0)


def _holds(cause: Cause, cell: Cell) -> bool:
    return cause.dimension == "project" or getattr(cell, cause.dimension) == cause.name
