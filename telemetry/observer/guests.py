"""NIGHT of other apps: work that must be done once after each day of a project, on the same rows of jobs.

    the newest day that is over ─▶ take its job ─▶ look, as often as it takes ─▶ keep and be done, in one transaction

Whoever brings the work says its kind and how it looks at a project as it was when the day ended; what that returns
keeps the result. A day that was missed is not made up for: the newest one says all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from psycopg import Connection

from telemetry.database import PRIMARY
from telemetry.jobs import queue, schedule
from telemetry.jobs.leases import kept
from telemetry.jobs.queue import Due, LostLease
from telemetry.models import Job, Project
from telemetry.observer import live
from telemetry.series import fold_state, rollups
from telemetry.series.buckets import day_span
from telemetry.series.window import BadWindow, time_zone

SUMMING_S = 60.0
Keep = Callable[[], None]
Look = Callable[[int, datetime], Keep]
_log = logging.getLogger(__name__)


def serve(conn: Connection[Any], *, kind: str, look: Look, now: datetime, patience_s: float) -> int:
    """Do what is due of a kind in all projects, and begin none after so many seconds. Returns how many ended well.
    Outside of a transaction. Raises psycopg.Error where the database is away; then leases expire."""
    projects = Project.objects.only("pk", "slug", "time_zone", "observed_at_hour").order_by("pk")
    queue.enqueue(conn, [due for project in projects for due in due_of(conn, project, kind=kind, now=now)])
    return work(conn, kind=kind, look=look, now=now, patience_s=patience_s)


def work(conn: Connection[Any], *, kind: str, look: Look, now: datetime, patience_s: float) -> int:
    """Do what waits of a kind, one project after the other; how many ended well."""
    began, count = time.monotonic(), 0
    while (passed := time.monotonic() - began) < patience_s:
        job = queue.take(conn, kinds=(kind,))
        if job is None:
            break
        count += _attempt(conn, job, look, now=now + timedelta(seconds=passed))
    return count


def last_day(*, project_id: int, kind: str) -> date | None:
    """The newest day of a project of which work of a kind is done; None: of none."""
    done = Job.objects.filter(project_id=project_id, kind=kind, state=Job.State.DONE)
    return done.order_by("-last_day").values_list("last_day", flat=True).first()


def due_of(conn: Connection[Any], project: Project, *, kind: str, now: datetime) -> list[Due]:
    """The newest day of a project that is over and observed; nothing where its zone is none, which the night says."""
    recorded = fold_state.quarter_range(conn, project_id=project.pk)
    try:
        tz = time_zone(project.time_zone)
    except BadWindow:
        return []
    first_at = recorded[0] if recorded else None
    days = schedule.due("day", now=now, tz=tz, hour=project.observed_at_hour, first_at=first_at)
    return [Due(kind, project.pk, day) for day in days[-1:]]


def _attempt(conn: Connection[Any], job: queue.Job, look: Look, *, now: datetime) -> bool:
    """Do a job that was taken; whether it is done. What goes wrong stands in its row."""
    try:
        project = Project.objects.get(pk=job.project_id)
        with kept(job):
            rollups.catch_up(conn, project_id=project.pk, now=now, patience=SUMMING_S)
            live.catch_up(conn, project_id=project.pk, now=now, patience_s=SUMMING_S)
            keep = look(project.pk, day_span(job.last_day, time_zone(project.time_zone))[1])
        with transaction.atomic(using=PRIMARY):
            queue.hold(conn, job)
            keep()
            queue.finish(conn, job)
    except LostLease as lost:
        _log.warning("%s", lost)
        return False
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not keep other jobs from being done)
        _log.exception("%s of project %s for %s failed.", job.kind, job.project_id, job.period)
        queue.fail(conn, job, error)
        return False
    return True
