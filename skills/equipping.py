"""The skills that enter a conversation's prompt: what each of the user's messages needs, and what one brought stays.

Which these are follows from the messages alone, so that nothing is kept between two requests and a prompt's beginning
stays the same while the conversation goes on. Past success is left out of that: it changes while people talk.
Skills are a help and no condition: whatever is wrong with them is told, and never keeps a conversation from going on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from skills import loads, registry
from skills.contracts import Skill
from skills.loader.library import BadSkill, Library, NoSkill
from skills.loads import Loaded
from skills.matching.match import MOST
from skills.retired import retired
from skills.roots import library

MOST_MESSAGES = 50
_log = logging.getLogger(__name__)


class Whose(Struct, frozen=True, kw_only=True):
    """Whose load it is, as far as that was told."""

    agent: str = ""
    task_type: str = ""
    session_id: str = ""
    execution_id: str = ""


class Equipped(Struct, frozen=True):
    """The skills that a conversation needs, and what kept others from being found: a clause, or nothing."""

    skills: tuple[Skill, ...] = ()
    trouble: str = ""


def equip(
    messages: Sequence[str],
    *,
    project_id: int,
    route: Literal["gateway", "task"],
    whose: Whose,
    notes_last: bool = True,
    now: datetime,
) -> Equipped:
    """The skills that a conversation needs, in the order in which its messages need them, MOST at most. What the last
    message brings is noted as loaded where `notes_last`; what came before was noted then. Raises nothing: where skills
    cannot be read there are none, and `trouble` says so."""
    skills: dict[str, Skill] = {}
    try:
        found, known, gone = library(project_id), registry.registry_of(project_id), retired(project_id)
        for place, message in enumerate(messages[:MOST_MESSAGES]):
            is_noted = notes_last and place == len(messages) - 1
            named = sorted(one.name for one in known.suggest(message, history={}, without=gone).found.matches)
            for name in (name for name in named if name not in skills):
                began = time.perf_counter_ns()
                skill = _read(found, name) if len(skills) < MOST else None
                if skill is None:
                    continue
                skills[name] = skill
                if is_noted:
                    took_us = (time.perf_counter_ns() - began) // 1_000
                    loads.note(
                        _loaded(skill, project_id=project_id, took_us=took_us, route=route, whose=whose, now=now)
                    )
        return Equipped(tuple(skills.values()), _gone(found))
    except Exception as error:  # noqa: BLE001 (a skill is worth less than the answer to whoever asked)
        _log.warning("skills cannot be read now, so a conversation goes on without: %r", error)
        return Equipped((), "skills cannot be read now")


def _read(found: Library, name: str) -> Skill | None:
    """A skill; None where it is gone meanwhile, or cannot be given out."""
    try:
        return found.get(name)
    except (NoSkill, BadSkill):
        return None


def _gone(found: Library) -> str:
    """The roots that cannot be read, as a clause."""
    roots = sorted({one.root for one in found.listing().broken if not one.name})
    return f"cannot be read: {', '.join(roots)}" if roots else ""


def _loaded(
    skill: Skill, project_id: int, took_us: int, *, route: Literal["gateway", "task"], whose: Whose, now: datetime
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
