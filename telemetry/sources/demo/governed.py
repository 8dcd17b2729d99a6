"""Sessions of the three types that have a budget, as a gateway that enforces these lets them go on. Pure, and by date
alone, as all of the demo.

Each weekday a desk answers customers, a job sums up the night, and a helper looks things up. Most have enough; some
come near the end of what their session was granted, are left less output than they asked for, or are refused and ask
again. Now and then one does not go through the gateway, and nobody holds it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Literal, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from telemetry.contracts import Call, Execution
from telemetry.sources.demo.runs import Worker, ran

LIMITS = {"direct_chat": 10_000, "cron_job": 20_000, "sub_agent": 30_000}  # weighted tokens, as limits/budgets.py says
LEAST, WANTED, HELD_BACK = 1_000, 4_096, 20  # of an answer, and which part of a limit is for a last summary
MARKS = (80, 100)  # percent, at which people are told
SATURDAY = 5
_PAST_THE_GATEWAY = 0.12


class Crew(NamedTuple):
    """An agent and its sessions: when they begin, what the first prompt has, and by how much each is longer."""

    session_type: str
    agent: str
    model: str
    task_type: str
    hours: tuple[int, ...]
    first: tuple[int, int]
    more: tuple[int, int]
    turns: tuple[int, int]


CREWS = (
    Crew(
        "direct_chat", "help-desk", "claude-haiku-4-5-20251001", "answer", (9, 12, 15), (380, 700), (260, 640), (2, 7)
    ),
    Crew("cron_job", "night-digest", "claude-haiku-4-5-20251001", "digest", (5,), (1_300, 2_400), (500, 1_300), (3, 6)),
    Crew("sub_agent", "look-up", "claude-sonnet-4-5-20250929", "lookup", (10,), (2_200, 3_400), (600, 1_700), (3, 6)),
)


class Curbed(NamedTuple):
    """A call that was lowered, or refused so many times: what was left of the session's budget, and what it asked."""

    kind: Literal["refused", "lowered"]
    session_type: str
    session_id: str
    agent: str
    at: datetime
    remaining: int
    prompt: int
    given: int
    calls: int


class Passed(NamedTuple):
    """A session that had used so many percent of its budget, and was over some time later."""

    session_type: str
    session_id: str
    percent: int
    used: int
    at: datetime
    over_at: datetime


@dataclass(slots=True)
class Governed:
    """What happened on a day."""

    runs: list[tuple[Execution, Call]] = field(default_factory=list)
    curbs: list[Curbed] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)


def governed_sessions(day: date, *, now: datetime) -> Governed:
    """All of a UTC day that had ended by `now`: each turn of a session is a run with its call. Nothing at weekends."""
    found = Governed()
    if day.weekday() < SATURDAY:
        for crew in CREWS:
            for hour in crew.hours:
                _Session(crew, day, hour).work(found, now)
    return found


class _Session:
    def __init__(self, crew: Crew, day: date, hour: int) -> None:
        self.crew, self.limit = crew, LIMITS[crew.session_type]
        self.name = f"tloi-demo:{day}:{crew.agent}-{hour}"
        self.id = str(uuid5(NAMESPACE_URL, self.name))
        self.dice = Random(self.name)  # noqa: S311  not secret: the same for ever
        self.at = datetime.combine(day, time(hour, self.dice.randrange(20), self.dice.randrange(60)), UTC)
        self.used, self.prompt = 0, self.dice.randint(*crew.first)
        self.is_governed = self.dice.random() >= _PAST_THE_GATEWAY

    def work(self, found: Governed, now: datetime) -> None:
        """Turn by turn. The dice fall the same whatever `now` is."""
        marks: list[tuple[int, int, datetime]] = []
        for number in range(self.dice.randint(*self.crew.turns)):
            natural = 40 + int(self.dice.lognormvariate(5.4, 0.6))
            given = self._given()
            if given < min(LEAST, WANTED):
                self._note(found, "refused", 0, self.dice.randint(1, 4), now)
                break
            if given < WANTED:
                self._note(found, "lowered", given, 1, now)
            before = self.used
            lasts = self._turn(found, number, min(natural, given), now)
            marks += [(mark, self.used, self.at) for mark in MARKS if before < mark * self.limit / 100 <= self.used]
            self.prompt += self.dice.randint(*self.crew.more)
            self.at += timedelta(seconds=lasts + self.dice.randint(150, 420))
        over = self.at + timedelta(minutes=15)
        found.passed += [
            Passed(self.crew.session_type, self.id, mark, used, at, over) for mark, used, at in marks if at <= now
        ]

    def _given(self) -> int:
        """The output that the next call may have."""
        if not self.is_governed:
            return WANTED
        return min(WANTED, self.limit - self.limit // HELD_BACK - self.used - self.prompt)

    def _note(
        self, found: Governed, kind: Literal["refused", "lowered"], given: int, calls: int, now: datetime
    ) -> None:
        """The last of them comes a little later than the first."""
        at = self.at + timedelta(seconds=20 * (calls - 1))
        if at <= now:
            crew, left = self.crew, max(self.limit - self.used, 0)
            found.curbs.append(
                Curbed(kind, crew.session_type, self.id, crew.agent, at, left, self.prompt, given, calls)
            )

    def _turn(self, found: Governed, number: int, output: int, now: datetime) -> float:
        """One call, which is a run of its own; how long it took."""
        lasts = round(2.5 + output / 70, 1)
        self.used += self.prompt + output
        if self.at + timedelta(seconds=lasts) <= now:
            found.runs.append(self._run(number, output, lasts))
        return lasts

    def _run(self, number: int, output: int, lasts: float) -> tuple[Execution, Call]:
        crew, key = self.crew, str(uuid5(NAMESPACE_URL, f"{self.name}:{number}"))
        return ran(
            Worker(crew.agent, "build-2", "anthropic", crew.model, crew.task_type, crew.session_type),
            key,
            session=self.id,
            task=f"{crew.task_type}-{key[:8]}",
            began=self.at,
            lasts_s=lasts,
            tokens=(self.prompt, output),
        )
