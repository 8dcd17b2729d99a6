"""Runs that are expected to exceed a budget: before they begin, and once half of what is thinkable exceeds it.

Runs of one task and agent are one subject, and it holds until they have ended. Without an `execution_id` nobody knows
when a run ends: then it holds for HOURS_AHEAD, or to the end of the period.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.message import Fact, Held, Link, execution_page, one_line, page, subject_of
from telemetry.statements import statement
from telemetry.usage import usd

HOURS_AHEAD = timedelta(hours=6)
BEGUN_WITHIN = timedelta(days=2)
EXAMPLES = 3
MOST = 1_000
_UNITS = {"gross": "tokens", "weighted": "tokens weighted by price"}
_WHOSE = {"run": "this task", "session": "its session"}
_LEVELS = {"task_type": "of the task type", "agent": "of the task type by the agent", "description": "of this task"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun:
    """A run that has not ended, with the budget that it is expected to exceed. `expected` and `calls` are None before
    it has begun; `expected`, `used` and `spent` are in the unit of the budget, the last one of its session before."""

    at: datetime
    execution_id: str
    agent: str
    task: str
    task_type: str
    p_exceed: float
    level: str
    n: int
    period: str
    counts: str
    limit: int
    spent: int
    used: int | None
    expected: int | None
    calls: int | None

    @property
    def subject(self) -> str:
        """What runs have alike of which one message tells."""
        return subject_of("task", self.agent, self.task)


def look_ahead(glance: Glance) -> list[Held]:
    """A `Held` a task and agent of whose runs one that is about to begin is likely to exceed a budget."""
    found = overruns_ahead(
        glance.conn,
        project_id=glance.project.pk,
        start=max(_earliest(glance), glance.now - HOURS_AHEAD),
        end=glance.now,
    )
    return [
        _held(glance, runs, "are expected to exceed a budget", "is expected to exceed") for runs in _by(glance, found)
    ]


def look_going(glance: Glance) -> list[Held]:
    """A `Held` a task and agent of whose runs one goes on, and half of what is thinkable exceeds a budget."""
    found = overruns_going(
        glance.conn,
        project_id=glance.project.pk,
        start=max(_earliest(glance), glance.now - BEGUN_WITHIN),
        end=glance.now,
    )
    return [_held(glance, runs, "are about to exceed a budget", "is about to exceed") for runs in _by(glance, found)]


def overruns_ahead(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> list[Overrun]:
    """Runs of which somebody asked in [start, end], the likeliest first."""
    arguments = {"project": project_id, "start": start, "end": end, "most": MOST}
    with conn.cursor(row_factory=class_row(Overrun)) as cursor:
        return cursor.execute(statement(__package__, "overruns_ahead"), arguments).fetchall()


def overruns_going(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> list[Overrun]:
    """Runs of which it was first seen in [start, end], the worst first."""
    arguments = {"project": project_id, "start": start, "end": end, "most": MOST}
    with conn.cursor(row_factory=class_row(Overrun)) as cursor:
        return cursor.execute(statement(__package__, "overruns_going"), arguments).fetchall()


def _earliest(glance: Glance) -> datetime:
    """From when on something may be told of any subject."""
    return min((glance.since(subject) for subject in glance.firing), default=glance.period_at)


def _by(glance: Glance, found: Iterable[Overrun]) -> list[list[Overrun]]:
    """The runs of each subject, of its own time."""
    groups: dict[str, list[Overrun]] = {}
    for one in found:
        if one.at >= glance.since(one.subject):
            groups.setdefault(one.subject, []).append(one)
    return list(groups.values())


def _held(glance: Glance, runs: list[Overrun], many: str, one: str) -> Held:
    worst, project = runs[0], glance.project.slug
    name = one_line(worst.task, 80) or "A run"
    title = f"{name} {one} the budget of {_WHOSE.get(worst.period, 'it')}"
    if len(runs) > 1:
        title = f"{len(runs):,} runs of {name} {many}" if worst.task else f"{len(runs):,} runs {many}"
    narrowed = {name: value for name, value in (("agent", worst.agent), ("task_type", worst.task_type)) if value}
    links = [Link("All of them", page("/forecasts/", project=project, range="7d", **narrowed))]
    links += [
        Link(one_line(f"Execution {run.execution_id}", 80), execution_page(run.execution_id, project=project))
        for run in runs[:EXAMPLES]
        if run.execution_id
    ]
    return Held(
        subject=worst.subject,
        title=title,
        severity=glance.rule.severity,
        facts=tuple(
            Fact(one_line(run.execution_id or "(no id)", 120), one_line(_words(run))) for run in runs[:EXAMPLES]
        ),
        links=tuple(links),
    )


def _words(run: Overrun) -> str:
    """Why, in numbers."""
    limit = _amount(run, run.limit) + (f", {_amount(run, run.spent)} spent before" if run.spent else "")
    if run.expected is None:
        rests = f"{run.n:,} earlier runs {_LEVELS.get(run.level, '')}".strip()
        return f"{run.p_exceed:.0%} likely to exceed the budget of {limit}; from {rests}."
    after = f"after {run.calls:,} calls" if run.calls else "so far"
    come_to = f"expected to come to {_amount(run, run.expected)}"
    return f"{_amount(run, run.used or 0)} {after}, {come_to}; the budget is {limit}."


def _amount(run: Overrun, amount: int) -> str:
    return f"${usd(amount)}" if run.counts == "usd" else f"{amount:,} {_UNITS.get(run.counts, 'tokens')}"
