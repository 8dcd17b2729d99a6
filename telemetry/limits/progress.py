"""How far a key result has come, and what was spent while it moved. Pure.

No figure here says that the one caused the other: cost and movement stand side by side, with how many runs there were,
and cost for each unit is only told where the metric moved towards its target by a twentieth of the way or more.
Source: methods.md §10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

LEAST_MOVEMENT = Fraction(1, 20)  # of the way from start to target


class Measured(Protocol):
    """What a metric was on a day."""

    @property
    def day(self) -> date: ...
    @property
    def value(self) -> Decimal: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a metric stood and moved, as parts of the way from start to target; below 0 it went the other way.
    `snapshots` are the measurements of the days that were looked at."""

    current: Decimal
    measured_on: date
    done: Fraction
    moved_by: Decimal
    moved: Fraction
    snapshots: int

    def cost_per_unit(self, nanousd: int) -> int | None:
        """Nano-dollars that were spent while the metric moved by one unit; None where that says nothing."""
        if self.moved < LEAST_MOVEMENT or not self.snapshots:
            return None
        return round(Fraction(nanousd) / abs(Fraction(self.moved_by)))


def progress(
    values: Sequence[Measured], *, start: Decimal | None, target: Decimal | None, first_day: date, last_day: date
) -> Progress | None:
    """Where a metric stood at the end of some days, and how far it moved in them; from its start where it was not
    measured before. None where there is no way to go, or nothing was measured by then. `values` are in order."""
    if start is None or target is None or start == target:
        return None
    by_then = [one for one in values if one.day <= last_day]
    if not by_then:
        return None
    earlier = [one for one in by_then if one.day < first_day]
    before, last = earlier[-1].value if earlier else start, by_then[-1]
    way = Fraction(target) - Fraction(start)
    return Progress(
        current=last.value,
        measured_on=last.day,
        done=(Fraction(last.value) - Fraction(start)) / way,
        moved_by=last.value - before,
        moved=(Fraction(last.value) - Fraction(before)) / way,
        snapshots=len(by_then) - len(earlier),
    )
