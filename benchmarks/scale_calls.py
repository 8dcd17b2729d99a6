"""An invented team at any size: what benchmarks of scale fill tables with, and send.

The agents are those of `tloi demo`, on a dozen machines: sessions of about a hundred calls in runs of about 25, in
office hours of working days, contexts that grow and are read from the cache, sub-agents on a small model, a few
failures, models without a price, a provider that reports its cost, and an agent whose runs bear totals. Another size is
only more sessions a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from telemetry.ledger import pricing
from telemetry.ledger.pricebook import Rates
from telemetry.sources.demo import ROSTER, Agent, Model

DAYS = 90  # and today
CALLS_A_SESSION = 100
_A_RUN = 25
_SHARES = (30, 25, 15, 10, 5, 15)  # of the sessions, in the order of ROSTER
_HOURS = (1, 1, 1, 1, 1, 2, 4, 10, 25, 40, 45, 45, 35, 40, 45, 45, 40, 30, 16, 10, 8, 6, 3, 2)  # UTC
_WEEKEND = 0.2
_MACHINES = 12
_REPORTS_COST = "openrouter"
_RANDOM_IDS = "gemini-cli"  # the ids of the others begin with time
_SENDS_TOTALS = "release-bot"
_ERRORS = ("rate_limit", "timeout", "overloaded", "tool_error")
_LARGEST = 160_000  # tokens of a context; then it is compacted
_SECOND = 1_000_000  # microseconds, in which moments are counted here
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's


class Turn(NamedTuple):
    """One call. `at` in microseconds since EPOCH; `run` is its place in the session's runs."""

    at: int
    run: int
    is_sub: bool
    uncached: int
    read: int
    written: int
    output: int
    reasoning: int
    duration_ms: int
    ttft_ms: int
    error: str
    key: str


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation: what all of its calls have alike, its runs by id and task, and its calls in order."""

    id: str
    agent: Agent
    host: str
    model: Model
    runs: Sequence[tuple[str, str]]
    turns: Sequence[Turn]

    @property
    def sends_totals(self) -> bool:
        """Whether its runs bear the totals of their calls."""
        return self.agent.name == _SENDS_TOTALS

    def model_of(self, turn: Turn) -> Model:
        """The model of a call."""
        return self.agent.subagent if turn.is_sub and self.agent.subagent else self.model


def moment(at: int) -> datetime:
    """Microseconds since EPOCH as a datetime."""
    return EPOCH + timedelta(microseconds=at)


def microseconds(at: datetime) -> int:
    """A datetime as microseconds since EPOCH."""
    return (at - EPOCH) // timedelta(microseconds=1)


def sessions_of_day(day: date, sessions: float, *, now: datetime, seed: str) -> Iterator[Session]:
    """The sessions that begin on a UTC day, `sessions` of them on a working day, without the calls after `now`."""
    dice = Random(f"{seed} {day}")
    weight = _WEEKEND if day.weekday() >= 5 else 1.0
    midnight, end = microseconds(datetime.combine(day, time(), UTC)), microseconds(now)
    for _ in range(int(sessions * weight + dice.random())):
        hour = dice.choices(range(24), _HOURS)[0]
        made = session(dice, midnight + int((hour + dice.random()) * 3600) * _SECOND, end)
        if made.turns:
            yield made


def sessions_a_day(calls: int, *, today: date) -> float:
    """How many sessions a working day needs, so that DAYS and a part of today hold about `calls`."""
    days = [today - timedelta(days=back) for back in range(DAYS + 1)]
    weights = sum(_WEEKEND if day.weekday() >= 5 else 1.0 for day in days[1:])
    return calls / CALLS_A_SESSION / weights


def session(dice: Random, start: int, end: int) -> Session:
    """A session that begins at `start` and is cut at `end`, both in microseconds since EPOCH."""
    agent = dice.choices(ROSTER, _SHARES)[0]
    model = dice.choices(agent.models, [one.weight for one in agent.models])[0]
    wanted = max(3, min(600, int(dice.lognormvariate(4.3, 0.8))))  # mean 100
    runs = [(_uuid(dice), dice.choice(agent.tasks)) for _ in range(wanted // _A_RUN + 1)]
    turns = [turn for turn in _turns(dice, agent, start, wanted) if turn.at < end]
    return Session(_uuid(dice), agent, f"machine-{dice.randrange(_MACHINES):02d}", model, runs, turns)


def _turns(dice: Random, agent: Agent, start: int, wanted: int) -> Iterator[Turn]:
    roll, at = dice.random, start
    main, sub = _Context(agent), _Context(agent)
    for number in range(wanted):
        is_sub = agent.subagent is not None and number % _A_RUN > 20
        uncached, read, written = (sub if is_sub else main).grow(roll)
        output = 20 + int(1_800 * roll() ** 4)
        ttft = 350 + int(1_450 * roll())
        duration = ttft + output * (8 + int(8 * roll()))
        yield Turn(
            at,
            number // _A_RUN,
            is_sub,
            uncached,
            read,
            written,
            output,
            int(output * roll() * 0.6) if agent.caching == "read" else 0,
            duration,
            ttft,
            _ERRORS[int(roll() * 4)] if roll() < 0.01 else "",
            _key(dice, at, is_random=agent.name == _RANDOM_IDS),
        )
        at += duration * 1000 + int((1 + 20 * roll()) * _SECOND)
        if number % _A_RUN == _A_RUN - 1:  # a person reads what was done
            at += int(600 * roll() * _SECOND)


@dataclass(slots=True)
class _Context:
    agent: Agent
    size: int = field(init=False)
    cached: int = 0

    def __post_init__(self) -> None:
        self.size = self.agent.base_context

    def grow(self, roll: Any) -> tuple[int, int, int]:
        """Uncached, read and written tokens of one more call."""
        self.size += 200 + int(1_500 * roll())
        if self.size > _LARGEST:
            self.size, self.cached = 2 * self.agent.base_context, 0
        read = self.cached if self.agent.caching != "none" and roll() < 0.95 else 0
        fresh = self.size - read
        uncached = min(fresh, 3 + int(37 * roll())) if self.agent.caching == "written" else fresh
        self.cached = self.size
        return uncached, read, fresh - uncached


def _key(dice: Random, at: int, *, is_random: bool) -> str:
    """A provider's id: one that begins with time, or one that does not."""
    tail = dice.getrandbits(64)
    return f"gen_{tail:016x}{at & 0xFFFF:04x}" if is_random else f"req_{at // 1000:010x}{tail:016x}"


def _uuid(dice: Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))


@cache
def rates(provider: str, model: str) -> tuple[Rates, ...]:
    """The rates of a model, one day's for all of them; empty where it has no known price."""
    if model.endswith(":free"):
        return (Rates(-1, 0, 0, 0, 0, 0, 0),)
    return pricing.rates(provider, model, datetime(2026, 6, 1, tzinfo=UTC), "")


def cost_nanousd(model: Model, turn: Turn) -> int | None:
    """What a call costs; None where its model has no known price."""
    inputs = turn.uncached + turn.read + turn.written
    for tier in rates(model.provider, model.name):
        if inputs > tier.above:
            spent = turn.uncached * tier.input_uncached + turn.read * tier.cache_read
            return (spent + turn.written * tier.cache_write + turn.output * tier.output) // 1_000_000 + tier.a_call
    return None


def reports_cost(model: Model) -> bool:
    """Whether the provider says what a call costs."""
    return model.provider == _REPORTS_COST


def as_record(one: Session, turn: Turn) -> dict[str, Any]:
    """A call as a sender writes it for `/api/v1/calls/`."""
    model = one.model_of(turn)
    run, task = one.runs[turn.run]
    return {
        "id": turn.key,
        "started_at": moment(turn.at).isoformat(),
        "provider": model.provider,
        "model": model.name,
        "input_uncached": turn.uncached,
        "cache_read": turn.read,
        "cache_write_5m": turn.written,
        "output": turn.output,
        "reasoning": turn.reasoning,
        "duration_ms": turn.duration_ms,
        "ttft_ms": turn.ttft_ms,
        "agent": one.agent.name,
        "host": one.host,
        "session_id": one.id,
        "subagent_id": one.id[:8] if turn.is_sub else "",
        "session_type": one.agent.session_type,
        "execution_id": run,
        "task_type": task,
        "tier": tier_of(model),
        "error_type": turn.error,
        "attributes": ATTRIBUTES,
    }


ATTRIBUTES = {"cwd": "/home/user/project", "version": "2.1.329", "git_branch": "main"}


@cache
def tier_of(model: Model) -> str:
    """The router's tier of a model, by its place in the roster."""
    return f"tier-{1 + sum(map(ord, model.name)) % 4}"
