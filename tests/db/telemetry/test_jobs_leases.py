"""Whose a job is: until its lease is over, its result is written by nobody else, and by nobody at all afterwards."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connections

from telemetry.access.projects import ensure_project
from telemetry.database import connection
from telemetry.jobs import queue
from telemetry.jobs.leases import kept
from telemetry.jobs.queue import LostLease
from telemetry.jobs.schedule import Period
from telemetry.ledger.removal import remove_demo
from telemetry.models import Job, Project
from tests.ledger_reading import at_once
from tests.queueing import DAY, MONDAY, daily, done, enqueue, finish, let_pass, outdate, row, states, take

pytestmark = pytest.mark.usefixtures("database")


def test_a_failed_attempt_is_made_again_after_a_pause_that_grows(project: Project, kind: str) -> None:
    enqueue(project, kind)
    pauses = []
    for _ in range(2):
        job = take(kind)
        queue.fail(connection(), job, ValueError("no such day"))
        after = row(job)
        assert after.started_at is not None
        assert (after.state, after.error) == ("waiting", "ValueError: no such day")
        assert queue.take(connection(), kinds=[kind]) is None
        pauses.append((after.not_before_at - after.started_at).total_seconds())
        let_pass(job, "not_before_at")
    assert 60 <= pauses[0] < 90
    assert 300 <= pauses[1] < 330


def test_a_lease_that_expired_counts_as_an_attempt_and_the_job_is_taken_at_once(project: Project, kind: str) -> None:
    enqueue(project, kind)
    first = take(kind)
    let_pass(first, "lease_until_at")
    second = take(kind)
    assert (second.id, second.attempts) == (first.id, 2)
    assert second.lease != first.lease


def test_who_lost_the_lease_can_neither_extend_nor_finish_nor_fail_the_job(project: Project, kind: str) -> None:
    enqueue(project, kind)
    late = take(kind)
    let_pass(late, "lease_until_at")
    current = take(kind)
    assert not queue.extend(connection(), late)
    queue.fail(connection(), late, ValueError())
    for end in (queue.hold, queue.finish):
        with pytest.raises(LostLease), connection().transaction():
            end(connection(), late)
    assert (row(current).state, row(current).lease, row(current).error) == ("running", current.lease, queue.EXPIRED)
    finish(current)
    assert (row(current).state, row(current).error) == ("done", "")


def test_of_two_runners_of_one_job_one_result_is_written(project: Project, kind: str) -> None:
    enqueue(project, kind)
    late = take(kind)
    let_pass(late, "lease_until_at")
    jobs, start = [late, take(kind)], threading.Barrier(2)

    def end(place: int) -> bool:
        start.wait(10)
        try:
            with connection().transaction():
                queue.hold(connection(), jobs[place])
                connection().execute("UPDATE telemetry_project SET name = name || '+' WHERE id = %s", [project.pk])
                queue.finish(connection(), jobs[place])
        except LostLease:
            return False
        return True

    assert sorted(at_once(*(partial(end, place) for place in range(2)))) == [False, True]
    project.refresh_from_db()
    assert project.name.count("+") == 1


def test_a_queue_without_the_lease_in_its_end_would_write_two_results(project: Project, kind: str) -> None:
    enqueue(project, kind)
    late = take(kind)
    let_pass(late, "lease_until_at")
    for job in (late, take(kind)):
        ended = connection().execute("UPDATE telemetry_job SET state = 'done' WHERE id = %s", [job.id])
        connection().execute("UPDATE telemetry_project SET name = name || '+' WHERE id = %s", [project.pk])
        assert ended.rowcount == 1  # nobody notices
    project.refresh_from_db()
    assert project.name.count("+") == 2


def test_a_job_that_is_being_ended_is_not_taken_though_its_lease_is_over(project: Project, kind: str) -> None:
    enqueue(project, kind)
    job = take(kind)
    let_pass(job, "lease_until_at")
    with connection().transaction():
        queue.hold(connection(), job)
        assert at_once(lambda: queue.take(connection(), kinds=[kind])) == [None]
        queue.finish(connection(), job)
    assert row(job).state == "done"


def test_what_was_written_with_an_end_that_fails_is_gone(project: Project, kind: str) -> None:
    enqueue(project, kind)
    job = take(kind)

    def end_and_break() -> None:
        with connection().transaction():
            queue.hold(connection(), job)
            connection().execute("UPDATE telemetry_project SET name = 'half' WHERE id = %s", [project.pk])
            queue.finish(connection(), job)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        end_and_break()
    project.refresh_from_db()
    assert (row(job).state, project.name == "half") == ("running", False)


def test_a_lease_is_kept_while_its_runner_works(project: Project, kind: str) -> None:
    enqueue(project, kind)
    job = take(kind, lease_s=2)
    with kept(job, lease_s=2):
        time.sleep(3)
        assert queue.take(connection(), kinds=[kind]) is None
    time.sleep(2.2)
    assert take(kind).attempts == 2


def test_a_lease_that_nobody_extends_is_over(project: Project, kind: str) -> None:
    enqueue(project, kind)
    take(kind, lease_s=0.4)
    time.sleep(0.6)
    assert take(kind).attempts == 2


def test_a_job_of_a_project_that_is_removed_while_it_runs_writes_nothing(kind: str) -> None:
    demo = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}", is_demo=True)
    enqueue(demo, kind)
    job = take(kind)
    remove_demo(connection(), project_id=demo.pk)
    with pytest.raises(LostLease), connection().transaction():
        queue.hold(connection(), job)


def test_a_project_is_not_removed_while_the_result_of_its_job_is_written(kind: str) -> None:
    demo = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}", is_demo=True)
    enqueue(demo, kind)
    job = take(kind)

    def remove() -> None:
        try:
            remove_demo(connection(), project_id=demo.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with connection().transaction():
            queue.hold(connection(), job)
            removal = pool.submit(remove)
            with pytest.raises(TimeoutError):
                removal.result(0.5)
            queue.finish(connection(), job)
        removal.result(10)
    assert not Project.objects.filter(pk=demo.pk).exists()


def test_what_was_made_of_days_that_changed_is_made_again_once_an_hour_has_passed(project: Project, kind: str) -> None:
    week = Period("2025-W45", MONDAY, MONDAY + 6 * DAY)
    done(project, kind, daily(), daily(MONDAY + DAY), daily(MONDAY + 2 * DAY), week)
    assert outdate(project, kind, MONDAY + DAY, MONDAY + DAY) == 2
    assert outdate(project, kind, MONDAY + DAY, MONDAY + DAY) == 0
    assert states(project) == {
        "2025-11-03": "done",
        "2025-11-04": "waiting",
        "2025-11-05": "done",
        "2025-W45": "waiting",
    }
    assert queue.take(connection(), kinds=[kind]) is None
    changed = Job.objects.get(project=project, period="2025-11-04")
    assert changed.finished_at is not None
    assert timedelta(minutes=59) < changed.not_before_at - changed.finished_at < timedelta(minutes=61)
    Job.objects.filter(pk=changed.pk).update(not_before_at=changed.created_at)
    assert take(kind).attempts == 1


def test_a_report_that_is_to_be_made_again_holds_up_none_that_was_not_made_yet(project: Project, kind: str) -> None:
    done(project, kind, daily())
    outdate(project, kind, MONDAY, MONDAY)
    enqueue(project, kind, daily(MONDAY + DAY))
    assert take(kind).period == "2025-11-04"


def test_a_change_while_a_job_runs_makes_it_wait_again_when_it_ends(project: Project, kind: str) -> None:
    enqueue(project, kind)
    job = take(kind)
    assert outdate(project, kind, MONDAY, MONDAY) == 1
    assert queue.extend(connection(), job)
    finish(job)
    assert (row(job).state, row(job).attempts, row(job).outdated_at) == ("waiting", 0, None)
    assert queue.take(connection(), kinds=[kind]) is None


def test_a_change_before_a_running_job_reads_is_in_its_result(project: Project, kind: str) -> None:
    enqueue(project, kind)
    job = take(kind)
    outdate(project, kind, MONDAY, MONDAY)
    queue.refresh(connection(), job)
    finish(job)
    assert row(job).state == "done"


def test_days_before_those_that_are_caught_up_are_made_once(project: Project, kind: str) -> None:
    done(project, kind, daily())
    assert outdate(project, kind, MONDAY, MONDAY, since=MONDAY + DAY) == 0
    assert states(project) == {"2025-11-03": "done"}


def test_dead_jobs_stay_dead_whatever_changes(project: Project, kind: str) -> None:
    done(project, kind, daily())
    Job.objects.filter(project=project).update(state="dead")
    assert outdate(project, kind, MONDAY, MONDAY) == 0
