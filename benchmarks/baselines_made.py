"""Made projects with known anomalies, for `bench-baselines`: agents whose runs vary as real ones do.

A project has twenty agents, six task types, three models. An agent has from 6 to 120 runs a day (log-uniform: a
quarter has fewer than thirteen), of one to three task types whose mix wanders; each of its types takes 30,000 to
300,000 tokens a run, and runs of one type differ by a logarithm of sd 0.45 to 0.85 with the tails of a t distribution
of four degrees of freedom (a tenfold one is nothing rare, thirtyfold the limit); one in a hundred takes eight times
as much besides. Days differ too: intensity by an sd of 0.08 and a random walk of sd 0.015 a day; volumes are Poisson
about a gamma that varies by a quarter, with a random walk of sd 0.03 and weekends of 0.3 to 1.0 of a weekday.

Where agents are `unlike`, their days differ more, and not alike: intensity by an sd of 0.03 to 0.25, volumes about a
gamma that varies by 0.13 to 0.58, and every second agent has days of the week that differ by a logarithm of sd 0.25.

An anomaly is of one agent and of one day (a shift: of six), at most one in sixteen days, with all runs of the day:
twice or three times the tokens, three times the runs, or 1.6 times the tokens for six days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import exp, log, sqrt
from random import Random
from typing import NamedTuple

from telemetry.outlook.verdicts import DaySum

AGENTS, TASK_TYPES, MODELS = 20, 6, 3
DAYS, QUIET = 120, 40  # of which the first have no anomalies
SLOT, SHIFT_DAYS = 16, 6
FIRST_DAY = date(2026, 1, 1)
KINDS = ("tokens-x2", "tokens-x3", "volume-x3", "shift-x1.6")
NANOUSD_A_TOKEN = 3_000
_FARTHEST = log(30)  # of ln(tokens) of a run from those of its type: what runs of one task differ by (arXiv 2604.22750)
_FACTORS = {"tokens-x2": 2.0, "tokens-x3": 3.0, "shift-x1.6": 1.6}


class Injected(NamedTuple):
    """An anomaly: of an agent, from a day on, for so many days."""

    kind: str
    agent: str
    first: int
    days: int


@dataclass(frozen=True, slots=True)
class Project:
    """What each day of a made project came to, and what was done to it. `runs_a_day`: of each agent, on average."""

    days: list[list[DaySum]]
    injected: list[Injected]
    runs_a_day: dict[str, float]


@dataclass(slots=True)
class _Agent:
    """How the runs of an agent are, and what happens to them by day."""

    name: str
    model: str
    types: dict[str, tuple[float, float]]  # the mean and the sd of ln(tokens) of each task type
    volume: float
    weekend: float
    off: float = 0.08  # the sd of a day's intensity
    shape: float = 16.0  # of the gamma about which volumes are: of 16, it varies by a quarter
    week: tuple[float, ...] = (1.0,) * 7
    drift: float = 0.0
    grown: float = 0.0
    mix: dict[str, float] = field(default_factory=dict)


def made(seed: int, *, has_anomalies: bool = True, days: int = DAYS, unlike: bool = False) -> Project:
    """A project. The same seed gives the same one."""
    dice = Random(seed)
    agents = [_agent(dice, number) for number in range(AGENTS)]
    if unlike:
        other = Random(f"unlike {seed}")
        for agent in agents:
            _make_unlike(other, agent)
    injected = [one for agent in agents for one in _injected(dice, agent.name, days)] if has_anomalies else []
    by_day: Mapping[tuple[str, int], str] = {
        (one.agent, one.first + n): one.kind for one in injected for n in range(one.days)
    }
    sums = [
        [row for agent in agents for row in _day(dice, agent, day, by_day.get((agent.name, day), ""))]
        for day in range(days)
    ]
    return Project(sums, injected, {agent.name: agent.volume for agent in agents})


def _agent(dice: Random, number: int) -> _Agent:
    types = dice.sample(range(TASK_TYPES), dice.choice((1, 2, 3)))
    return _Agent(
        name=f"agent-{number}",
        model=f"model-{dice.randrange(MODELS)}",
        types={f"type-{one}": (dice.uniform(log(30_000), log(300_000)), dice.uniform(0.45, 0.85)) for one in types},
        volume=exp(dice.uniform(log(6), log(120))),
        weekend=dice.uniform(0.3, 1.0),
        mix={f"type-{one}": dice.uniform(0.3, 1.0) for one in types},
    )


def _make_unlike(dice: Random, agent: _Agent) -> None:
    agent.off = exp(dice.uniform(log(0.03), log(0.25)))
    agent.shape = exp(dice.uniform(log(3), log(60)))
    if dice.random() < 0.5:
        agent.week = tuple(exp(dice.gauss(0, 0.25)) for _ in range(7))


def _injected(dice: Random, agent: str, days: int) -> Iterator[Injected]:
    for start in range(QUIET, days - SLOT, SLOT):
        kind = dice.choice(KINDS)
        length = SHIFT_DAYS if kind.startswith("shift") else 1
        if dice.random() < 0.6:
            yield Injected(kind, agent, start + dice.randrange(SLOT - SHIFT_DAYS), length)


def _day(dice: Random, agent: _Agent, day: int, kind: str) -> Iterator[DaySum]:
    on = FIRST_DAY + timedelta(days=day)
    agent.drift += dice.gauss(0, 0.015)
    agent.grown += dice.gauss(0, 0.03)
    for one in agent.mix:
        agent.mix[one] *= exp(dice.gauss(0, 0.1))
    mean = agent.volume * exp(agent.grown) * agent.week[on.weekday()] * (agent.weekend if on.weekday() > 4 else 1.0)
    mean *= dice.gammavariate(agent.shape, 1 / agent.shape) * (3.0 if kind == "volume-x3" else 1.0)
    off = agent.drift + dice.gauss(0, agent.off) + log(_FACTORS.get(kind, 1.0))
    whole = sum(agent.mix.values())
    for name, (middle, spread) in agent.types.items():
        tokens = [
            exp(middle + off + _noise(dice, spread)) for _ in range(_poisson(dice, mean * agent.mix[name] / whole))
        ]
        if tokens:
            yield _sum(on, agent, name, [max(1, int(one)) for one in tokens])


def _noise(dice: Random, spread: float) -> float:
    """Of t's shape with four degrees, with that sd; one in a hundred is eight times as dear besides."""
    heavy = spread * dice.gauss(0, 1) / sqrt(dice.gammavariate(2.0, 0.5)) / sqrt(2)
    return max(-_FARTHEST, min(_FARTHEST, heavy + (log(8) if dice.random() < 0.01 else 0.0)))


def _poisson(dice: Random, mean: float) -> int:
    """Arrivals until time is over."""
    count, passed = 0, dice.expovariate(1)
    while passed < mean:
        count, passed = count + 1, passed + dice.expovariate(1)
    return count


def _sum(on: date, agent: _Agent, task_type: str, tokens: list[int]) -> DaySum:
    logs = [log(one) for one in tokens]
    return DaySum(
        day=on,
        agent=agent.name,
        task_type=task_type,
        model=agent.model,
        runs=len(tokens),
        measured=len(tokens),
        log_sum=sum(logs),
        log_squares=sum(one * one for one in logs),
        tokens=sum(tokens),
        cost_nanousd=NANOUSD_A_TOKEN * sum(tokens),
        unpriced_calls=0,
    )
