"""NIGHT: what there is to do of each project and period, and how it is done.

    enqueue what is due ─▶ take one ─▶ sum up ─▶ judge runs, then the day ─▶ write the report ─▶ keep it and be done,
    in one transaction

All but the last step may be done twice, or by two at once, and come to the same; the last one is done by whoever has
the lease. The queue says who that is, Celery only wakes. What changes after it was read makes the job wait again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from telemetry.jobs import queue, schedule
from telemetry.jobs.leases import kept
from telemetry.jobs.queue import Due, Job, LostLease
from telemetry.models import Project
from telemetry.observer import judging, live
from telemetry.observer.kinds import KINDS
from telemetry.observer.report import making
from telemetry.outlook import trends
from telemetry.series import fold_state, rollups
from telemetry.series.buckets import day_span
from telemetry.series.window import BadWindow, time_zone

LOOKING = 50  # looking for what is due takes one part of so many of the time,
LEAST_LOOK_S = 60.0  # and comes this often however long it takes
SUMMING_S = 150.0  # for what is marked of one project; with the patience of `work` well within a task's time
_WHY = f"It failed, which the worker's log says, or {SUMMING_S:.0f} s were not enough."
_log = logging.getLogger(__name__)


class NotSummed(RuntimeError):
    """Calls of the project are in no sum yet, so its report would lack them."""


@dataclass(slots=True)
class _Look:
    """When this process looks again for what is due, by its monotonic clock."""

    again_at: float = 0.0


_look = _Look()


def observe_due(conn: Connection[Any], *, now: datetime, patience_s: float) -> int:
    """Make the reports that are due and not there; none is begun after so many seconds. Returns how many were made.
    Outside of a transaction. Raises psycopg.Error where the database is away; then leases expire."""
    began = time.monotonic()
    if began >= _look.again_at:
        enqueue_due(conn, now=now)
        ended = time.monotonic()
        _look.again_at = ended + min(LOOKING * (ended - began), LEAST_LOOK_S)
    return work(conn, now=now, patience_s=patience_s)


def enqueue_due(conn: Connection[Any], *, now: datetime) -> int:
    """Add the jobs of every project that are due and not there. Returns how many."""
    projects = Project.objects.only("pk", "slug", "time_zone", "observed_at_hour").order_by("pk")
    return queue.enqueue(conn, [due for project in projects for due in due_of(conn, project, now=now)])


def due_of(conn: Connection[Any], project: Project, *, now: datetime) -> list[Due]:
    """The work of a project that is due, done or not; nothing where its zone is none."""
    recorded = fold_state.quarter_range(conn, project_id=project.pk)
    if recorded is None:
        return []
    try:
        tz = time_zone(project.time_zone)
    except BadWindow as error:  # it must not keep others waiting
        _log.error("Project %s is not observed: %s", project.slug, error)
        return []
    when: dict[str, Any] = {"now": now, "tz": tz, "hour": project.observed_at_hour, "first_at": recorded[0]}
    return [Due(kind, project.pk, period) for kind, one in KINDS.items() for period in schedule.due(one.cycle, **when)]


def work(conn: Connection[Any], *, now: datetime, patience_s: float) -> int:
    """Do what is due, one job after the other, and begin none after so many seconds. Returns how many ended well.
    Outside of a transaction. Raises psycopg.Error where the database is away; then leases expire."""
    began, count = time.monotonic(), 0
    while (passed := time.monotonic() - began) < patience_s:
        job = queue.take(conn, kinds=tuple(KINDS))
        if job is None:
            break
        count += attempt(conn, job, now=now + timedelta(seconds=passed))
    return count


def attempt(conn: Connection[Any], job: Job, *, now: datetime) -> bool:
    """Do a job that was taken; whether it is done. What goes wrong stands in its row."""
    try:
        _do(conn, job, now)
    except LostLease as lost:
        _log.warning("%s", lost)
        return False
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not keep other jobs from being done)
        _log.exception("%s of project %s for %s failed.", job.kind, job.project_id, job.period)
        queue.fail(conn, job, error)
        return False
    return True


def _do(conn: Connection[Any], job: Job, now: datetime) -> None:
    one, project = KINDS[job.kind], Project.objects.get(pk=job.project_id)
    days: dict[str, Any] = {"kind": one.report, "first_day": job.first_day, "last_day": job.last_day}
    with kept(job):
        _sum_up(conn, project, now)
        if one.judges:
            tz = time_zone(project.time_zone)
            start, end = day_span(job.first_day, tz)[0], day_span(job.last_day, tz)[1]
            judging.judge_span(conn, project_id=project.pk, start=start, end=end, now=now)
            trends.judge_day(conn, project=project, day=job.last_day, now=now)
        queue.refresh(conn, job)
        plain = making.write(conn, project=project, now=now, **days)
    with conn.transaction():
        queue.hold(conn, job)
        making.keep(conn, project_id=project.pk, plain=plain, now=now, **days)
        queue.finish(conn, job)


def _sum_up(conn: Connection[Any], project: Project, now: datetime) -> None:
    """See to it that all calls that were committed are in the runs. Raises NotSummed."""
    end = time.monotonic() + SUMMING_S
    if not rollups.catch_up(conn, project_id=project.pk, now=now, patience=SUMMING_S).is_clean:
        raise NotSummed(f"Calls of {project.slug} wait to be summed up. {_WHY}")
    left = max(1.0, end - time.monotonic())
    if not live.catch_up(conn, project_id=project.pk, now=now, patience_s=left):
        raise NotSummed(f"Executions of {project.slug} wait to be added up. {_WHY}")
