"""An invented team of agents for people who want to see the pages before they connect their own. Pure, and the same
for ever: a day of an agent depends on nothing but its date and the agent's name, so that a later run adds only days.

What is modelled: office hours and quiet weekends, sessions whose context grows and is read from the cache until it
expires, sub-agents on a small model, runs that fail, and now and then a session that gets out of hand. Beside the
team, `planted.py` runs what an observer must find, `shifts.py` what trends must, `governed.py` what budgets hold back,
and `untaught.py` what a concierge must find.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Literal, NamedTuple

from telemetry.contracts import Call, Execution
from telemetry.sources.demo.goals import RELEASES
from telemetry.sources.demo.governed import governed_sessions
from telemetry.sources.demo.planted import planted_runs
from telemetry.sources.demo.shifts import routed
from telemetry.sources.demo.untaught import translated

VERSION = 1
CACHE_LIVES = timedelta(minutes=5)
COMPACTED_AT = 160_000
_HOURS = (9, 9, 10, 10, 10, 11, 11, 12, 13, 14, 14, 15, 15, 15, 16, 16, 17, 18, 20, 21)
_FAILURES = (
    ("tests_failed", "3 of 112 tests failed"),
    ("timeout", "no answer within 600 s"),
    ("rate_limit", "the provider's rate limit was reached"),
    ("tool_error", "the tool returned exit code 1"),
)


class Model(NamedTuple):
    """A model and how often an agent takes it."""

    provider: str
    name: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """How an invented agent works. `caching`: Anthropic bills cache writes, others only read, some do neither."""

    name: str
    host: str
    models: tuple[Model, ...]
    tasks: tuple[str, ...]
    caching: Literal["written", "read", "none"]
    session_type: str = "interactive"
    sessions_a_day: float = 3.0
    weekend: float = 0.15
    base_context: int = 18_000
    subagent: Model | None = None
    objective: str = ""


class Day(NamedTuple):
    """What one agent, or those that are planted, did on one UTC day."""

    day: date
    calls: list[Call]
    executions: list[Execution]


ROSTER = (
    Agent(
        name="claude-code",
        host="anas-laptop",
        models=(
            Model("anthropic", "claude-sonnet-4-5-20250929", 6),
            Model("anthropic", "claude-opus-4-6", 3),
            Model("anthropic", "claude-haiku-4-5-20251001", 1),
        ),
        tasks=("feature", "bugfix", "refactor", "review"),
        caching="written",
        sessions_a_day=3.5,
        subagent=Model("anthropic", "claude-haiku-4-5-20251001", 1),
    ),
    Agent(
        name="codex",
        host="bens-laptop",
        models=(Model("openai", "gpt-5.3-codex", 7), Model("openai", "gpt-5-mini", 3)),
        tasks=("feature", "bugfix", "test"),
        caching="read",
        base_context=11_000,
    ),
    Agent(
        name="gemini-cli",
        host="build-1",
        models=(Model("gcp.gemini", "gemini-2.5-pro", 5), Model("gcp.gemini", "gemini-2.5-flash", 5)),
        tasks=("docs", "review", "research"),
        caching="read",
        sessions_a_day=2.0,
        base_context=9_000,
    ),
    Agent(
        name="openclaw",
        host="home-server",
        models=(
            Model("openrouter", "moonshotai/kimi-k2-thinking", 5),
            Model("openrouter", "qwen/qwen3-coder:free", 3),
            Model("ollama", "house-coder-7b", 2),
        ),
        tasks=("inbox", "calendar", "report"),
        caching="none",
        session_type="scheduled",
        weekend=0.8,
        base_context=6_000,
    ),
    Agent(
        name="release-bot",
        host="build-1",
        models=(Model("openai", "gpt-5-mini", 1),),
        tasks=("changelog", "release"),
        caching="read",
        session_type="scheduled",
        sessions_a_day=1.0,
        base_context=4_000,
        objective=RELEASES,
    ),
    Agent(
        name="support-triage",
        host="build-2",
        models=(Model("anthropic", "claude-haiku-4-5-20251001", 4), Model("openrouter", "deepseek/deepseek-chat", 1)),
        tasks=("triage", "answer"),
        caching="written",
        session_type="scheduled",
        weekend=0.6,
        base_context=3_000,
    ),
)


def invent(*, now: datetime, days: int, agents: int) -> Iterator[Day]:
    """What the first `agents` of ROSTER, the orchestrator, the router and the crews with budgets did on the last `days`
    UTC days, oldest first. Only runs that had ended by `now` are in it."""
    today = now.astimezone(UTC).date()
    for back in range(days - 1, -1, -1):
        day = today - timedelta(days=back)
        for agent in ROSTER[:agents]:
            yield _day(agent, day, now)
        runs = [*planted_runs(day, now=now), *routed(day, now=now), *translated(day, now=now)]
        runs += governed_sessions(day, now=now).runs
        yield Day(day, [call for _, call in runs], [execution for execution, _ in runs])


def _day(agent: Agent, day: date, now: datetime) -> Day:
    dice = Random(f"tloi-demo-{VERSION}:{agent.name}:{day}")  # noqa: S311  not secret: the same for ever
    mean = agent.sessions_a_day * (agent.weekend if day.weekday() >= 5 else 1.0)
    happened = Day(day, [], [])
    for _ in range(round(max(0.0, dice.gauss(mean, mean / 3)))):
        start = datetime.combine(day, time(dice.choice(_HOURS), dice.randrange(60), dice.randrange(60)), UTC)
        _Session(agent, dice, start).work(happened, now)
    return happened


class _Context:
    """What a model is sent: it grows with every turn, and what was sent lately lies in the cache."""

    def __init__(self, agent: Agent, model: Model, size: int) -> None:
        self.caching, self.model, self.first_size = agent.caching, model, size
        self.size, self.cached, self.cached_at = size, 0, datetime.min.replace(tzinfo=UTC)

    def turn(self, dice: Random, at: datetime) -> dict[str, Any]:
        """The token buckets of one more call."""
        self.size += dice.randint(200, 2_800) + (dice.randint(5_000, 25_000) if dice.random() < 0.08 else 0)
        if self.size > COMPACTED_AT:
            self.size, self.cached = 2 * self.first_size, 0
        read = self.cached if self.caching != "none" and at - self.cached_at < CACHE_LIVES else 0
        fresh = self.size - read
        uncached = min(fresh, dice.randint(3, 40)) if self.caching == "written" else fresh
        self.cached, self.cached_at = self.size, at
        output = min(8_000, 20 + int(dice.lognormvariate(5.5, 0.9)))
        thought = int(output * dice.uniform(0.1, 0.6)) if self.caching == "read" else 0
        return {
            "input_uncached": uncached,
            "cache_read": read,
            "cache_write_5m": fresh - uncached,
            "output": output,
            "reasoning": thought,
        }


class _Session:
    """One conversation: who it is, what it has in mind, and how late it is."""

    def __init__(self, agent: Agent, dice: Random, start: datetime) -> None:
        self.agent, self.dice, self.clock = agent, dice, start
        self.id = _uuid(dice)
        model = dice.choices(agent.models, [model.weight for model in agent.models])[0]
        self.context = _Context(agent, model, agent.base_context)
        self.is_out_of_hand = dice.random() < 0.02

    def work(self, happened: Day, now: datetime) -> None:
        """A few runs with pauses between them. The dice fall the same whatever `now` is."""
        for _ in range(self.dice.randint(1, 4)):
            execution, calls = self._run()
            if self.clock <= now:
                happened.executions.append(execution)
                happened.calls.extend(calls)
            self.clock += timedelta(seconds=self.dice.randint(20, 1_500))

    def _run(self) -> tuple[Execution, list[Call]]:
        dice, start, key = self.dice, self.clock, _uuid(self.dice)
        task = dice.choice(self.agent.tasks)
        error, text = dice.choice(_FAILURES) if dice.random() < 0.06 else ("", "")
        turns = min(40, 2 + int(dice.expovariate(1 / 6))) * (4 if self.is_out_of_hand else 1)
        calls = [self._call(self.context, key, task) for _ in range(turns)]
        if self.agent.subagent and dice.random() < 0.25:
            helper, name = _Context(self.agent, self.agent.subagent, 5_000), f"{dice.getrandbits(32):08x}"
            calls += [self._call(helper, key, task, subagent=name) for _ in range(dice.randint(3, 9))]
        calls.append(self._call(self.context, key, task, error=error))
        execution = Execution(
            execution_id=key,
            started_at=start,
            task_id=f"{task}-{dice.randint(100, 999)}",
            tool=self.agent.name,
            action="execute_task",
            model=self.context.model.name,
            execution_time=(self.clock - start).total_seconds(),
            status="failed" if error else "done",
            errors=(text,) if error else (),
            task_type=task,
            agent=self.agent.name,
            session_id=self.id,
            session_type=self.agent.session_type,
            objective=self.agent.objective,
        )
        return execution, calls

    def _call(self, context: _Context, execution: str, task: str, *, subagent: str = "", error: str = "") -> Call:
        dice = self.dice
        tokens = context.turn(dice, self.clock)
        waited = dice.randint(350, 1_800)
        duration = waited + tokens["output"] * dice.randint(8, 16)
        call = Call(
            id=f"demo-{_uuid(dice)}",
            started_at=self.clock,
            provider=context.model.provider,
            model=context.model.name,
            duration_ms=duration,
            ttft_ms=waited,
            agent=self.agent.name,
            host=self.agent.host,
            session_id=self.id,
            subagent_id=subagent,
            session_type=self.agent.session_type,
            execution_id=execution,
            task_type=task,
            objective=self.agent.objective,
            error_type=error,
            **tokens,
        )
        self.clock += timedelta(milliseconds=duration + dice.randint(200, 15_000))
        return call


def _uuid(dice: Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))
