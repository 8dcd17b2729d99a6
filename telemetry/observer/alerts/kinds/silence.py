"""Agents that were busy on most days of a week, and have had no call for hours.

One that was told of stays silent until it is heard of, though the days on which it was busy move out of the week; after
FORGOTTEN days nobody waits for it any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.message import Fact, Held, Link, one_line, page, subject_of
from telemetry.series.window import local_midnight
from telemetry.statements import statement

WEEK = timedelta(days=7)
FORGOTTEN = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Heard:
    """An agent, on how many of the last whole days it had calls, and when the last one began."""

    agent: str
    days: int
    last_at: datetime


def look(glance: Glance) -> list[Held]:
    """A `Held` an agent that is silent."""
    silent_from = glance.now - timedelta(hours=glance.rule.silent_hours)
    today = glance.now.astimezone(glance.tz).date()
    heard = agents_heard(
        glance.conn,
        project_id=glance.project.pk,
        start=local_midnight(today - FORGOTTEN, glance.tz),
        week=local_midnight(today - WEEK, glance.tz),
        today=local_midnight(today, glance.tz),
        end=glance.now,
    )
    return [
        _held(glance, one)
        for one in heard
        if one.last_at < silent_from
        and (one.days >= glance.rule.active_days or subject_of("agent", one.agent) in glance.firing)
    ]


def agents_heard(
    conn: Connection[Any], *, project_id: int, start: datetime, week: datetime, today: datetime, end: datetime
) -> list[Heard]:
    """The agents that had calls from `start` on, and on how many days between `week` and `today`."""
    arguments = {"project": project_id, "start": start, "week": week, "today": today, "end": end}
    with conn.cursor(row_factory=class_row(Heard)) as cursor:
        return cursor.execute(statement(__package__, "agents_heard"), arguments).fetchall()


def _held(glance: Glance, one: Heard) -> Held:
    agent, hours = one_line(one.agent, 120), int((glance.now - one.last_at).total_seconds() // 3600)
    last = one.last_at.astimezone(glance.tz)
    return Held(
        subject=subject_of("agent", one.agent),
        title=f"Agent {agent} is silent: no call for {hours} hours",
        severity=glance.rule.severity,
        facts=(
            Fact("Last call", f"{last:%Y-%m-%d %H:%M} {glance.tz.key}"),
            Fact("Days with calls", f"{one.days} of the last 7"),
        ),
        links=(Link("Its calls", page("/", project=glance.project.slug, agent=one.agent, range="28d")),),
    )
