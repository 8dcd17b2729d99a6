"""What was kept of prompts and conversations goes when nobody needed it for long enough, in small transactions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from telemetry.facade import statement

MOST = 500  # rows of one transaction


def sweep(*, now: datetime) -> int:
    """Delete all that has expired; how many rows. Conversations go first: what none of them needs goes after."""
    return sum(_swept(project_id, now) for (project_id,) in expired_projects(now=now))


def _swept(project_id: int, now: datetime) -> int:
    deleted = 0
    for forget in (forget_conversations, forget_originals):
        while (gone := forget(project_id=project_id, now=now)) > 0:
            deleted += gone
            if gone < MOST:
                break
    return deleted


def expired_projects(*, now: datetime) -> list[tuple[int]]:
    """The projects of which something has expired."""
    with connection.cursor() as cursor:
        cursor.execute(statement(__package__, "expired_projects"), {"now": now})
        found: list[tuple[int]] = cursor.fetchall()
    return found


def forget_conversations(*, project_id: int, now: datetime) -> int:
    """Delete some conversations that have expired; how many."""
    return _deleted("forget_conversations", project_id=project_id, now=now, most=MOST)


def forget_originals(*, project_id: int, now: datetime) -> int:
    """Delete some of what was left out and has expired; how many."""
    return _deleted("forget_originals", project_id=project_id, now=now, most=MOST)


def _deleted(name: str, **given: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement(__package__, name), given)
        return int(cursor.rowcount)
