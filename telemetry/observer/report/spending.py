"""What a report says was spent for what: the account of its period, of the dearest of what nothing names a few."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from psycopg import Connection

from telemetry.limits import objectives
from telemetry.limits.account import Account, account
from telemetry.models import Project
from telemetry.observer.report.periods import Period
from telemetry.series.window import by_days

MOST_LEFT = 10


def account_of(conn: Connection[Any], *, project: Project, period: Period) -> Account | None:
    """None where the project has no objective. In the caller's transaction."""
    goals = objectives.goals(project.pk)
    if not goals:
        return None
    window = by_days(period.first_day, period.last_day, zone=project.time_zone)
    spend = objectives.spend(conn, project=project, window=window)
    found = account(goals, spend, first_day=period.first_day, last_day=period.last_day)
    more = found.more_left + max(0, len(found.left) - MOST_LEFT)
    return replace(found, left=found.left[:MOST_LEFT], more_left=more)
