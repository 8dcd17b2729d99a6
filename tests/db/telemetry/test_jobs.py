"""The queue of jobs: each is done once, a project's in order, and nothing that fails keeps others waiting for ever."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from functools import partial

import psycopg
import pytest

from telemetry.database import connection
from telemetry.jobs import queue
from telemetry.jobs.queue import Due
from telemetry.jobs.schedule import Period
from telemetry.models import Job, Project
from tests.ledger_reading import at_once
from tests.queueing import DAY, MONDAY, daily, enqueue, finish, let_pass, new_project, row, take

pytestmark = pytest.mark.usefixtures("database")


def test_a_period_is_there_once_however_often_it_is_due(project: Project, kind: str) -> None:
    assert enqueue(project, kind, daily(), daily(MONDAY + DAY)) == 2
    finish(take(kind))
    assert enqueue(project, kind, daily(), daily(MONDAY + DAY)) == 0
    assert Job.objects.filter(project=project).count() == 2


def test_many_that_enqueue_the_same_periods_at_once_add_each_once(project: Project, kind: str) -> None:
    others = [project, new_project(), new_project()]
    wanted = [Due(kind, one.pk, daily(MONDAY + n * DAY)) for one in others for n in range(30)]

    def add(place: int) -> int:
        return queue.enqueue(connection(), wanted[::-1] if place % 2 else wanted)

    assert sum(at_once(*(partial(add, place) for place in range(6)))) == 90
    assert Job.objects.filter(kind=kind).count() == 90


def test_a_projects_periods_are_taken_in_order_and_a_day_before_the_week_that_it_ends(
    project: Project, kind: str
) -> None:
    week = Period("2025-W45", MONDAY, MONDAY + 6 * DAY)
    enqueue(project, kind, week, *(daily(MONDAY + n * DAY) for n in reversed(range(8))))
    taken = []
    while job := queue.take(connection(), kinds=[kind]):
        taken.append(job.period)
        finish(job)
    days = [(MONDAY + n * DAY).isoformat() for n in range(8)]
    assert taken == [*days[:7], "2025-W45", days[7]]


def test_a_project_has_one_runner(project: Project, kind: str) -> None:
    enqueue(project, kind, daily(), daily(MONDAY + DAY))
    take(kind)
    assert queue.take(connection(), kinds=[kind]) is None


def test_an_older_period_that_becomes_due_meanwhile_waits_for_the_one_that_runs(project: Project, kind: str) -> None:
    enqueue(project, kind, daily())
    running = take(kind)
    enqueue(project, kind, daily(MONDAY - DAY))
    assert queue.take(connection(), kinds=[kind]) is None
    finish(running)
    assert take(kind).period == "2025-11-02"


def test_the_database_itself_refuses_a_second_runner_of_a_project(project: Project, kind: str) -> None:
    enqueue(project, kind, daily(), daily(MONDAY + DAY))
    take(kind)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection().execute("UPDATE telemetry_job SET state = 'running' WHERE kind = %s", [kind])


def test_many_takers_share_the_projects_and_do_each_job_once_and_in_order(kind: str) -> None:
    projects = [new_project() for _ in range(4)]
    for one in projects:
        enqueue(one, kind, *(daily(MONDAY + n * DAY) for n in range(10)))
    done: list[tuple[int, str]] = []
    running: Counter[int] = Counter()
    lock, crowds = threading.Lock(), list[int]()

    def runner() -> None:
        while Job.objects.filter(kind=kind).exclude(state=Job.State.DONE).exists():
            if (job := queue.take(connection(), kinds=[kind])) is None:
                continue
            with lock:
                running[job.project_id] += 1
                crowds.append(running[job.project_id])
                done.append((job.project_id, job.period))
            with lock:
                running[job.project_id] -= 1
            finish(job)

    at_once(*[runner] * 6)
    for one in projects:
        assert [period for number, period in done if number == one.pk] == [
            (MONDAY + n * DAY).isoformat() for n in range(10)
        ]
    assert max(crowds) == 1


def test_the_project_that_was_served_longest_ago_is_next(kind: str) -> None:
    behind, other = new_project(), new_project()
    enqueue(behind, kind, *(daily(MONDAY + n * DAY) for n in range(4)))
    enqueue(other, kind, *(daily(MONDAY + n * DAY) for n in range(5, 7)))
    order = []
    while job := queue.take(connection(), kinds=[kind]):
        order.append("behind" if job.project_id == behind.pk else "other")
        finish(job)
    assert order[:4] in (["behind", "other"] * 2, ["other", "behind"] * 2)


def test_poison_is_dead_after_three_attempts_and_later_periods_go_on(project: Project, kind: str) -> None:
    enqueue(project, kind, daily(), daily(MONDAY + DAY))
    for _ in range(3):
        job = take(kind)
        assert job.period == "2025-11-03"
        queue.fail(connection(), job, ZeroDivisionError())
        let_pass(job, "not_before_at")
    assert (row(job).state, row(job).attempts) == ("dead", 3)
    assert take(kind).period == "2025-11-04"


def test_while_a_period_pauses_later_ones_wait_and_other_projects_do_not(project: Project, kind: str) -> None:
    other = new_project()
    enqueue(project, kind, daily(), daily(MONDAY + DAY))
    queue.fail(connection(), take(kind), ValueError())
    enqueue(other, kind, daily(MONDAY + DAY))
    assert take(kind).project_id == other.pk
    assert queue.take(connection(), kinds=[kind]) is None


def test_a_kind_that_no_worker_knows_any_more_keeps_nobody_waiting(project: Project, kind: str) -> None:
    enqueue(project, f"{kind}-gone")
    enqueue(project, kind, daily(MONDAY + DAY))
    assert take(kind).period == "2025-11-04"


def test_a_job_whose_worker_dies_three_times_is_dead_and_says_why(project: Project, kind: str) -> None:
    enqueue(project, kind)
    for _ in range(3):
        let_pass(job := take(kind), "lease_until_at")
    assert queue.take(connection(), kinds=[kind]) is None
    assert (row(job).state, row(job).error) == ("dead", queue.EXPIRED)


def test_a_dead_job_that_a_person_revives_has_three_attempts_again(project: Project, kind: str) -> None:
    enqueue(project, kind)
    for _ in range(3):
        job = take(kind)
        queue.fail(connection(), job, ValueError("poison"))
        let_pass(job, "not_before_at")
    assert queue.revive(connection(), [job.id]) == 1
    assert (row(job).state, row(job).attempts, row(job).error) == ("waiting", 0, "ValueError: poison")
    again = take(kind)
    assert again.attempts == 1
    assert queue.revive(connection(), [job.id]) == 0


@pytest.mark.parametrize("says", ["a\0b", "lone \ud800 surrogate", "long " * 4_000, "<script>alert(1)</script>"])
def test_whatever_an_error_quotes_it_is_kept(project: Project, kind: str, says: str) -> None:
    enqueue(project, kind)
    job = take(kind)
    queue.fail(connection(), job, ValueError(says))
    assert row(job).error.startswith("ValueError: ")
    assert len(row(job).error) <= 2_000


def test_dead_and_late_jobs_are_counted_and_those_of_today_are_not(project: Project, kind: str) -> None:
    now = row_time = connection().execute("SELECT now()").fetchone()[0]  # type: ignore[index]
    hour = timedelta(hours=1)

    def counted() -> tuple[int, int]:
        found = queue.trouble(connection(), dead_since=now - DAY, late_since=row_time - hour)
        return found.dead, found.late

    before = counted()
    enqueue(project, kind, daily(), daily(MONDAY + DAY))
    assert counted() == before
    Job.objects.filter(project=project, period="2025-11-04").update(not_before_at=now - 2 * hour)
    assert counted() == (before[0], before[1] + 1)
    Job.objects.filter(project=project, period="2025-11-03").update(state="dead", finished_at=now)
    assert counted() == (before[0] + 1, before[1] + 1)
