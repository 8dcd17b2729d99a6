"""The skills that enter a conversation's prompt: what each of the user's messages needs, and what one brought stays.

Which these are follows from the messages alone, so that nothing is kept between two requests and a prompt's beginning
stays the same while the conversation goes on. Past success is left out of that: it changes while people talk.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from skills import loads, registry
from skills.contracts import Skill
from skills.loader.library import BadSkill, NoSkill
from skills.loads import Loaded
from skills.matching.match import MOST
from skills.roots import library

MOST_MESSAGES = 50


class Whose(Struct, frozen=True, kw_only=True):
    """Whose load it is, as far as that was told."""

    agent: str = ""
    task_type: str = ""
    session_id: str = ""
    execution_id: str = ""


def equip(
    messages: Sequence[str],
    *,
    project_id: int,
    route: Literal["gateway", "task"],
    whose: Whose,
    notes_last: bool = True,
    now: datetime,
) -> list[Skill]:
    """The skills that a conversation needs, in the order in which its messages need them, MOST at most. What the last
    message brings is noted as loaded where `notes_last`; what came before was noted then. Raises django.db.Error."""
    found, known = library(project_id), registry.registry_of(project_id)
    skills: dict[str, Skill] = {}
    for place, message in enumerate(messages[:MOST_MESSAGES]):
        for name in sorted(one.name for one in known.suggest(message, history={}).found.matches):
            if name in skills or len(skills) == MOST:
                continue
            began = time.perf_counter_ns()
            try:
                skill = skills[name] = found.get(name)
            except (NoSkill, BadSkill):
                continue
            if notes_last and place == len(messages) - 1:
                took_us = (time.perf_counter_ns() - began) // 1_000
                loads.note(_loaded(skill, project_id=project_id, took_us=took_us, route=route, whose=whose, now=now))
    return list(skills.values())


def _loaded(
    skill: Skill, *, project_id: int, took_us: int, route: Literal["gateway", "task"], whose: Whose, now: datetime
) -> Loaded:
    return Loaded(
        project_id=project_id,
        skill=skill,
        at=now,
        took_us=took_us,
        route=route,
        agent=whose.agent,
        task_type=whose.task_type,
        session_id=whose.session_id,
        execution_id=whose.execution_id,
    )
