"""Histories of tasks in which some skills were deleted and some are dead, the same for the same seed. Pure.

A kind of task has six verbs and twelve things (`benchmarks/retrieval/kinds.json`, which we wrote), and the tasks of
`tasks.json` that need its skill; a task names one to three things, in one of several forms, among names, tickets and
weekdays that mean nothing. 18 of the 40 skills are there and used, each some times more often than another; six were
deleted, whose tasks fail more or cost more than others, and one neither, so that nobody could find it; six are there
and nobody needs them, though some were loaded once or twice, four are needed every other week, and six came 25 days
ago. Five kinds of chores need no skill. One agent fails whatever it does, one kind is hard though it
has its skill.

What is deleted comes from one half of the skills for the seeds that anything was tuned on, and from the other half for
those that are reported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from benchmarks.skills_retrieval import SET, skills
from telemetry.contracts import TaskRun

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS, RUNS_A_DAY = 60, 40
DELETED, DEAD, SELDOM, USED, CHORES = 6, 6, 4, 18, 5
SHELVED, NEW = timedelta(days=120), timedelta(days=25)  # before the first task, and before the last
SELDOM_DAYS = 14
AGENTS = ("planner", "coder", "ops", "assistant", "flaky")
_SERVICES = ("payments", "search", "billing", "atlas", "orion", "mobile", "web-3", "the shop", "acme", "the intranet")
_WHEN = ("today", "before Friday", "by noon", "this week", "for Monday", "when you can", "as last time", "again")
_FORMS = (
    "{verb} {thing}",
    "{verb} {thing} {when}",
    "please {verb} {thing}, {service} needs it {when}",
    "{verb} {thing} for {service}",
    "please {verb} {thing} and {other} {when}",
    "{verb} {thing}, then {second} {other} for {service}",
    "{verb} {thing}, {other} and {third}",
    "ticket {ticket}: {verb} {thing} with {other}",
    "{verb} {thing} {when} (see {ticket}), also {other}",
)


@dataclass(frozen=True, slots=True)
class Made:
    """A history: its runs with the kind of each, and the skills that are there since when, by what they are."""

    runs: tuple[TaskRun, ...]
    kinds: tuple[str, ...]
    offered: dict[str, datetime]
    deleted: frozenset[str]
    dead: frozenset[str]
    used: frozenset[str]
    loads: dict[str, list[datetime]]
    now: datetime


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the runs of a kind of task go."""

    name: str
    weight: float
    fails: float
    log_tokens: float
    has_skill: bool


def make(seed: int, *, part: str) -> Made:
    """The history of a seed; what is deleted in it comes from the half `part`, tune or held."""
    dice = Random(f"concierge:{part}:{seed}")
    names = sorted(skill["name"] for skill in skills())
    deleted = dice.sample([name for name in names if half(name) == part], DELETED)
    others = [name for name in names if name not in deleted]
    dice.shuffle(others)
    dead, seldom = others[:DEAD], others[DEAD : DEAD + SELDOM]
    used = others[DEAD + SELDOM : DEAD + SELDOM + USED]
    kinds = [
        *(_deleted(name, place, dice) for place, name in enumerate(deleted)),
        *(_usual(name, dice, has_skill=True) for name in used),
        *(_usual(name, dice, has_skill=False) for name in dice.sample(sorted(_told()["chores"]), CHORES)),
    ]
    kinds[DELETED] = _Kind(kinds[DELETED].name, 1.0, 0.5, kinds[DELETED].log_tokens, has_skill=True)
    runs, of_kind, loads = _history(kinds, dice)
    loads |= {name: _now_and_then(dice) for name in seldom}
    loads |= {
        name: [START - SHELVED + timedelta(days=dice.uniform(1, 20))] * dice.choice((0, 0, 1, 2)) for name in dead
    }
    return Made(
        tuple(runs),
        tuple(of_kind),
        {
            name: START - SHELVED if name in (*dead, *seldom, *used) else START + timedelta(days=DAYS) - NEW
            for name in others
        },
        frozenset(deleted),
        frozenset(dead),
        frozenset((*seldom, *used)),
        loads,
        START + timedelta(days=DAYS),
    )


def half(name: str) -> str:
    """The half that a skill belongs to, by the digest of its name."""
    return "tune" if hashlib.sha256(name.encode()).digest()[0] % 2 else "held"


def _told() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((SET / "kinds.json").read_text("utf-8"))
    return found


def _usual(name: str, dice: Random, *, has_skill: bool) -> _Kind:
    return _Kind(name, dice.lognormvariate(0, 0.6), dice.uniform(0.05, 0.28), dice.gauss(9.5, 0.4), has_skill)


def _deleted(name: str, place: int, dice: Random) -> _Kind:
    """Four of six fail more than others do, one costs more, and one is neither."""
    usual = _usual(name, dice, has_skill=False)
    if place < 4:
        return _Kind(name, usual.weight, usual.fails + dice.uniform(0.2, 0.45), usual.log_tokens, has_skill=False)
    log_tokens = usual.log_tokens + (dice.uniform(1.0, 1.6) if place == 4 else 0.0)
    return _Kind(name, usual.weight, usual.fails, log_tokens, has_skill=False)


def _history(kinds: Sequence[_Kind], dice: Random) -> tuple[list[TaskRun], list[str], dict[str, list[datetime]]]:
    runs, of_kind = [], []
    loads: dict[str, list[datetime]] = {}
    for number in range(DAYS * RUNS_A_DAY):
        at = START + timedelta(minutes=number * 1440 // RUNS_A_DAY + dice.randint(0, 10))
        kind = dice.choices(kinds, [one.weight for one in kinds])[0]
        agent = dice.choices(AGENTS, (4, 4, 3, 3, 1))[0]
        had = (kind.name,) if kind.has_skill and dice.random() < 0.8 else ()
        for name in had:
            loads.setdefault(name, []).append(at)
        fails = 0.55 if agent == "flaky" else kind.fails
        tokens = round(min(10**7, dice.lognormvariate(kind.log_tokens, 0.6)))
        is_well = None if dice.random() < 0.05 else dice.random() >= fails
        runs.append(
            TaskRun(
                at=at,
                text=text_of(kind.name, dice),
                agent=agent,
                is_well=is_well,
                tokens=tokens,
                cost_nanousd=900 * tokens,
                skills=had,
            )
        )
        of_kind.append(kind.name)
    return runs, of_kind, loads


def _now_and_then(dice: Random) -> list[datetime]:
    """Loads that come every other week, by chance, since the skill was there."""
    at, found = START - SHELVED, []
    while (at := at + timedelta(days=dice.expovariate(1 / SELDOM_DAYS))) < START + timedelta(days=DAYS):
        found.append(at)
    return found


def text_of(kind: str, dice: Random) -> str:
    """A task of a kind, in words."""
    told = _told_of(kind)
    if told["tasks"] and dice.random() < 0.2:
        return str(dice.choice(told["tasks"]))
    verb, second = dice.choice(told["verbs"]), dice.choice(told["verbs"])
    thing, other, third = dice.sample(told["things"], 3)
    return dice.choice(_FORMS).format(
        verb=verb,
        second=second,
        thing=thing,
        other=other,
        third=third,
        service=dice.choice(_SERVICES),
        when=dice.choice(_WHEN),
        ticket=f"OPS-{dice.randint(100, 9999)}",
    )


_KNOWN: dict[str, dict[str, list[str]]] = {}


def _told_of(kind: str) -> dict[str, list[str]]:
    if not _KNOWN:
        tasks = json.loads((SET / "tasks.json").read_text("utf-8"))
        for name, said in [one for group in _told().values() for one in group.items()]:
            _KNOWN[name] = {**said, "tasks": [one["task"] for one in tasks if one["skills"][:1] == [name]]}
    return _KNOWN[kind]
