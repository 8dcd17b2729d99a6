"""What a day's value is against those before it, whatever is measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from telemetry.outlook.chance import slope, student_p

Point = tuple[int, float]
HALF_LIFE = 10.0  # days, after which a day says half as much of what is usual: usage drifts


_WEIGHTS = tuple(float(0.5 ** (age / HALF_LIFE)) for age in range(64))


def weight(age: int) -> float:
    """How much a day says that was so many days ago."""
    return _WEIGHTS[age]


class Band(NamedTuple):
    """What is usual, and where nineteen of twenty days lie."""

    usual: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`z`, `freedom` and `effect` (times of what is usual): None where the day cannot be compared. `days` and `runs`
    are what the baseline rests on, `points` its days and how far each was, in logarithms."""

    baseline: Band
    level: Band
    days: int
    runs: int
    points: tuple[Point, ...]
    z: float | None = None
    freedom: float = 0.0
    effect: float | None = None

    def p(self, *, rises: bool) -> float:
        """How likely a day that is so far above what is usual, or below, is by chance; 1 where none can be told."""
        return 1.0 if self.z is None else student_p(self.z if rises else -self.z, self.freedom)

    @property
    def trend(self) -> tuple[float, float] | None:
        """The share by which a day changes it, and how likely that is by chance; None of fewer than three days."""
        return slope(self.points) if len(self.points) >= 3 else None
