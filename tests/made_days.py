"""Days of a project, made: what tests of baselines share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from math import exp, log
from random import Random

from telemetry.outlook.baselines import History, Key, Said, judge
from telemetry.outlook.verdicts import DaySum, Dimension, Verdict, What

MONDAY = date(2026, 6, 1)
PRICE = 3_000  # nano-dollars a token


def day_of(number: int) -> date:
    """Counted from a Monday."""
    return MONDAY + timedelta(days=number)


def some(
    number: int,
    runs: int,
    tokens: float,
    *,
    agent: str = "a",
    task_type: str = "t",
    model: str = "m",
    spread: float = 0.4,
    seed: int = 0,
) -> DaySum:
    """Runs of a day that take about so many tokens each; the same seed gives the same ones."""
    dice = Random(f"{seed} {number} {agent} {task_type}")
    logs = [log(tokens) + dice.gauss(0, spread) for _ in range(runs)]
    whole = sum(int(exp(one)) for one in logs)
    return DaySum(
        day=day_of(number),
        agent=agent,
        task_type=task_type,
        model=model,
        runs=runs,
        measured=runs,
        log_sum=sum(logs),
        log_squares=sum(one * one for one in logs),
        tokens=whole,
        cost_nanousd=PRICE * whole,
        unpriced_calls=0,
    )


def nights(sums: Iterable[DaySum], *, first: int, last: int) -> Iterator[list[Verdict]]:
    """What each night says, of which all later ones know."""
    rows, history = list(sums), dict[Key, list[Said]]()
    for number in range(first, last + 1):
        day = day_of(number)
        found = judge([row for row in rows if row.day <= day], day=day, history=history)
        for one in found:
            key = (one.dimension, one.name, one.what)
            history.setdefault(key, []).append(Said(day, one.effect, one.p, one.is_flagged))
        yield found


def night(sums: Iterable[DaySum], number: int, history: History | None = None) -> list[Verdict]:
    """What one night says to whom nothing was said before."""
    return judge(sums, day=day_of(number), history=history or {})


def about(found: Iterable[Verdict], dimension: Dimension, name: str, what: What) -> Verdict:
    """What is said of one series."""
    return next(one for one in found if (one.dimension, one.name, one.what) == (dimension, name, what))
