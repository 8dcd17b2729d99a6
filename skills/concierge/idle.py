"""Skills that nobody needs: loaded so rarely, for as long as they have been there, that a bound says so. Pure.

A skill was not loaded for two weeks: that says little. With 95 % certainty it is loaded less than RARE_A_YEAR times a
year once it has lain there for 55 days without a load, 87 with one, 115 with two. Until then a new one has its chance,
and what was loaded lately is used, whatever its rate. The same bound is asked of the project's tasks: one that had few
says nothing of any skill, nor one whose agents load none here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from skills.concierge.chance import most_expected

RARE_A_YEAR = 20.0
RARE_SHARE = 0.015  # of all tasks, that it fits best
LATELY = timedelta(days=30)
WATCHED = timedelta(days=180)  # how far back loads are counted
FEWEST_LOADS = 20  # of any skills of a project, below which it does not load its skills here
_YEAR = timedelta(days=365)


class Use(Struct, frozen=True, kw_only=True):
    """What became of a skill: since when it has been there, how often it was loaded since then or since WATCHED began,
    how many of the tasks that were looked at it fits, and the tokens of its body."""

    skill: str
    since: datetime
    loads: int
    last_at: datetime | None
    fitting: int
    tokens: int


class Idle(Struct, frozen=True, kw_only=True):
    """A skill that nobody needs. `a_year`: it is loaded less often than that; `tasks`: that were looked at."""

    skill: str
    since: datetime
    days: int
    loads: int
    last_at: datetime | None
    fitting: int
    tasks: int
    tokens: int
    a_year: float


def idle(uses: Iterable[Use], *, loads: int, tasks: int, now: datetime) -> list[Idle]:
    """Of the skills of a project those that nobody needs, the largest first. `loads` are those of all skills, `tasks`
    those of which is known which skill fits them."""
    if loads < FEWEST_LOADS:
        return []
    found = [one for use in uses if (one := _judge(use, tasks, now)) is not None]
    return sorted(found, key=lambda one: (-one.tokens, one.skill))


def _judge(use: Use, tasks: int, now: datetime) -> Idle | None:
    since = max(use.since, now - WATCHED)
    there = now - since
    if there <= timedelta(0) or (use.last_at is not None and now - use.last_at < LATELY):
        return None
    a_year = most_expected(use.loads) * (_YEAR / there)
    if a_year >= RARE_A_YEAR or most_expected(use.fitting) >= RARE_SHARE * tasks:
        return None
    return Idle(
        skill=use.skill,
        since=use.since,
        days=there.days,
        loads=use.loads,
        last_at=use.last_at,
        fitting=use.fitting,
        tasks=tasks,
        tokens=use.tokens,
        a_year=round(a_year, 1),
    )
