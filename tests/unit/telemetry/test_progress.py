"""How far a key result has come, and when what was spent meanwhile is told for each unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from telemetry.limits.progress import Progress, progress


@dataclass(frozen=True)
class Value:
    day: date
    value: Decimal


def day(number: int) -> date:
    return date(2026, 11, number)


def measured(
    *values: tuple[int, int], start: int = 20, target: int = 10, days: tuple[int, int] = (5, 10)
) -> Progress | None:
    return progress(
        [Value(day(number), Decimal(value)) for number, value in values],
        start=Decimal(start),
        target=Decimal(target),
        first_day=day(5),
        last_day=day(10),
    )


def test_it_stands_at_the_last_value_and_moved_since_the_last_before_the_days() -> None:
    found = measured((1, 19), (4, 18), (6, 17), (9, 15), (11, 10))
    assert found is not None
    assert (found.current, found.measured_on, found.done) == (Decimal(15), day(9), Fraction(1, 2))
    assert (found.moved_by, found.moved, found.snapshots) == (Decimal(-3), Fraction(3, 10), 2)
    assert found.cost_per_unit(9_000) == 3_000


def test_it_moved_from_its_start_where_nothing_was_measured_before() -> None:
    found = measured((6, 25), target=40)
    assert found is not None
    assert (found.moved_by, found.done, found.moved) == (Decimal(5), Fraction(1, 4), Fraction(1, 4))


def test_cost_a_unit_is_told_neither_of_a_small_step_nor_of_a_step_back_nor_without_a_measurement() -> None:
    for values in (((6, 20),), ((6, 21),), ((4, 15),), ((4, 10), (6, 15))):
        found = measured(*values)
        assert found is not None
        assert found.cost_per_unit(1_000) is None


def test_there_is_no_progress_without_a_way_or_a_measurement() -> None:
    assert measured() is None
    assert measured((11, 15)) is None
    assert measured((6, 15), start=10) is None
    assert progress([], start=None, target=None, first_day=day(1), last_day=day(2)) is None
