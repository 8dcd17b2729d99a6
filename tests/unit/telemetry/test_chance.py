"""How likely things are by chance, against tables and against made numbers."""

from __future__ import annotations

from random import Random

import pytest

from telemetry.outlook.chance import false_discovery, slope, solved, student_p


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [(2.015, 5, 0.05), (3.365, 5, 0.01), (2.821, 9, 0.01), (4.297, 9, 0.001), (2.75, 30, 0.005), (-2.015, 5, 0.95)],
)
def test_students_t_is_that_of_the_tables(t: float, freedom: float, p: float) -> None:
    assert student_p(t, freedom) == pytest.approx(p, rel=0.04)


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    p = [0.01, 0.9, 0.02, 0.03, 0.9]
    assert false_discovery(p) == pytest.approx([0.05, 0.9, 0.05, 0.05, 0.9])


def test_of_many_that_are_chance_alone_few_days_have_a_discovery() -> None:
    dice = Random(4)
    days = [false_discovery([dice.random() for _ in range(40)]) for _ in range(1_000)]
    assert 0.07 < sum(min(day) <= 0.10 for day in days) / 1_000 < 0.13


def test_what_is_found_in_one_family_lets_nothing_pass_in_another() -> None:
    """One cause is seen in four dimensions; in one family it would count four times beside an agent by chance."""
    families = ["agent", "task type", "model", "project", "agent"]
    p = [1e-6, 1e-6, 1e-6, 1e-6, 0.04]
    assert false_discovery(p)[-1] == pytest.approx(0.04)
    assert false_discovery(p, families)[-1] == pytest.approx(0.04 * 5 / 2)


def test_families_find_no_more_by_chance_than_all_at_once() -> None:
    dice = Random(5)
    families = ["agent"] * 30 + ["model"] * 9 + ["project"]
    days = [false_discovery([dice.random() for _ in range(40)], families) for _ in range(1_000)]
    assert 0.07 < sum(min(day) <= 0.10 for day in days) / 1_000 < 0.13


def test_q_values_need_no_numbers() -> None:
    assert false_discovery([]) == []


def test_a_slope_is_the_median_of_all_pairs_and_one_wild_day_does_not_bend_it() -> None:
    points = [(n, 0.5 * n) for n in range(20)]
    points[7] = (7, 900.0)
    grown, p = slope(points)
    assert grown == pytest.approx(0.5, rel=0.05)
    assert p < 0.001
    assert slope([(n, 1.0) for n in range(9)]) == (0.0, 1.0)


def test_an_equation_is_solved_where_its_function_falls() -> None:
    assert solved(lambda x: 9 - x, target=4, highest=10) == pytest.approx(5, abs=0.001)
    assert solved(lambda x: 3 - x, target=4, highest=10) == 0
    assert solved(lambda x: 90 / (0.1 + x) ** 2, target=4, highest=1_000) == pytest.approx(4.643, rel=0.002)
    assert solved(lambda x: 90 - x, target=4, highest=10) == 10
