"""What tests of jobs share: a kind of work of their own, and the steps of the queue."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from telemetry.access.projects import ensure_project
from telemetry.database import connection
from telemetry.jobs import queue
from telemetry.jobs.queue import Due
from telemetry.jobs.schedule import Period
from telemetry.models import Job, Project

MONDAY = date(2025, 11, 3)
DAY = timedelta(days=1)


@pytest.fixture
def kind(database: None) -> Iterator[str]:
    """A kind of work that no other test knows; what became of it is nobody's trouble afterwards."""
    kind = f"test-{uuid.uuid4().hex[:12]}"
    yield kind
    Job.objects.filter(kind__startswith=kind).delete()


def daily(day: date = MONDAY) -> Period:
    """A day as a period."""
    return Period(day.isoformat(), day, day)


def enqueue(project: Project, kind: str, *periods: Period) -> int:
    """Add these periods, or one day; how many were not there."""
    return queue.enqueue(connection(), [Due(kind, project.pk, period) for period in periods or [daily()]])


def take(*kinds: str, lease_s: float = 20) -> queue.Job:
    """The next job of these kinds, which there is."""
    job = queue.take(connection(), kinds=kinds, lease_s=lease_s)
    assert job is not None
    return job


def finish(job: queue.Job) -> None:
    """End a job that went well."""
    with connection().transaction():
        queue.hold(connection(), job)
        queue.finish(connection(), job)


def row(job: queue.Job) -> Job:
    """What the table says of a job."""
    return Job.objects.get(pk=job.id)


def let_pass(job: queue.Job, column: str) -> None:
    """As if the pause or the lease of a job were over."""
    Job.objects.filter(pk=job.id).update(**{column: row(job).created_at - DAY})


def new_project() -> Project:
    """A project that nobody else uses."""
    return ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")


def outdate(project: Project, kind: str, first: date, last: date, since: date = MONDAY - 30 * DAY) -> int:
    """Something changed in those days; how many jobs that concerns."""
    days = {"first_day": first, "last_day": last, "since": since}
    return queue.outdate(connection(), project_id=project.pk, kinds=[kind], **days)


def done(project: Project, kind: str, *periods: Period) -> None:
    """Periods whose jobs are done."""
    enqueue(project, kind, *periods)
    for _ in periods:
        finish(take(kind))


def states(project: Project) -> dict[str, str]:
    """The state of each period."""
    return dict(Job.objects.filter(project=project).values_list("period", "state"))
