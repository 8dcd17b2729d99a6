"""What a night makes of a day: its report once, whole, and nothing of an attempt that failed or came too late."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.jobs import queue
from telemetry.jobs.queue import Due
from telemetry.jobs.schedule import Period
from telemetry.ledger import dirty
from telemetry.models import Anomaly, Job, Project, Report
from telemetry.observer import live, night
from telemetry.observer.report import making
from telemetry.outlook import trends
from telemetry.series import fold_state
from tests.ledger_reading import at_once, send
from tests.own_database import run_tloi
from tests.rollup_reading import fold

pytestmark = pytest.mark.usefixtures("nothing_waits")
DAY = date(2026, 11, 18)
AT = datetime(2026, 11, 18, 9, tzinfo=UTC)
NIGHT = datetime(2026, 11, 19, 1, tzinfo=UTC)
WEEK = Period("2026-W47", date(2026, 11, 16), date(2026, 11, 22))


@pytest.fixture(autouse=True)
def no_jobs_are_left(project: Project) -> Iterator[None]:
    """They are nobody's trouble afterwards."""
    yield
    Job.objects.filter(project=project).delete()


def work(project: Project, *names: str, at: datetime = AT, tokens: int = 30_000) -> None:
    """Executions of one call each, far too dear."""
    calls = [
        Call(id=name, started_at=at, model="house-llama", execution_id=name, input_uncached=tokens, output=100)
        for name in names
    ]
    runs = [Execution(execution_id=name, started_at=at, task_id=name, agent="a", status="done") for name in names]
    send(project.pk, calls, executions=runs)


def take(project: Project, kind: str = "daily-report", period: Period | None = None) -> queue.Job:
    """The job of a period, taken as by a worker of which this project is the only one."""
    period = period or Period(DAY.isoformat(), DAY, DAY)
    queue.enqueue(connection(), [Due(kind, project.pk, period)])
    lease = uuid.uuid4()
    Job.objects.filter(project=project, kind=kind, period=period.name).update(
        state="running", attempts=1, lease=lease, lease_until_at=datetime.now(UTC) + timedelta(minutes=1)
    )
    row = Job.objects.get(project=project, kind=kind, period=period.name)
    return queue.Job(row.pk, kind, project.pk, row.period, row.first_day, row.last_day, 1, lease)


def attempt(job: queue.Job, now: datetime = NIGHT) -> bool:
    return night.attempt(connection(), job, now=now)


def state(job: queue.Job) -> tuple[str, str]:
    row = Job.objects.get(pk=job.id)
    return row.state, row.error


def summary(project: Project, kind: str = "daily") -> dict[str, object]:
    found: dict[str, object] = Report.objects.get(project_id=project.pk, kind=kind).document["summary"]
    return found


def test_a_night_sums_up_judges_and_reports_what_was_sent(project: Project) -> None:
    work(project, "one", "two")
    job = take(project)
    assert attempt(job)
    assert state(job) == ("done", "")
    assert (summary(project)["tasks"], summary(project)["tokens"]) == (2, 60_200)
    assert Anomaly.objects.filter(project_id=project.pk, detector="expensive_task").count() == 2
    assert summary(project)["anomalies"] == Anomaly.objects.filter(project_id=project.pk).count()


def test_a_night_says_of_the_day_what_it_is_against_those_before(project: Project) -> None:
    work(project, "one", "two")
    assert attempt(take(project))
    said = trends.read(connection(), project_id=project.pk, start=DAY, end=DAY)
    assert {(one.dimension, one.name, one.runs, one.state) for one in said} >= {("agent", "a", 2, "learning")}


def test_a_week_is_reported_from_what_its_days_came_to(project: Project) -> None:
    work(project, "one")
    work(project, "two", at=AT + timedelta(days=1))
    assert attempt(take(project, "weekly-report", WEEK), NIGHT + timedelta(days=5))
    assert summary(project, "weekly")["tasks"] == 2


def test_a_runner_that_comes_too_late_changes_nothing(project: Project) -> None:
    work(project, "one")
    late, current = take(project), take(project)
    assert attempt(current)
    made_at = Report.objects.get(project_id=project.pk).made_at
    work(project, "two")
    assert not attempt(late, NIGHT + timedelta(hours=1))
    assert Report.objects.get(project_id=project.pk).made_at == made_at
    assert summary(project)["tasks"] == 1
    assert state(current) == ("waiting", "")  # for what came late, and that the other summed up


def test_two_that_work_on_one_job_at_once_make_one_report(project: Project) -> None:
    work(project, "one")
    late, current = take(project), take(project)
    assert sorted(at_once(lambda: attempt(late), lambda: attempt(current))) == [False, True]
    assert Report.objects.filter(project_id=project.pk).count() == 1
    assert state(current) == ("done", "")


def test_an_attempt_that_fails_leaves_no_report_and_says_why(project: Project) -> None:
    work(project, "one")
    job = take(project)
    Project.objects.filter(pk=project.pk).update(time_zone="Mars/Olympus_Mons")
    assert not attempt(job)
    name, error = state(job)
    assert name == "waiting"
    assert "wait to be summed up" in error
    assert not Report.objects.filter(project_id=project.pk).exists()


def test_what_was_written_before_the_end_failed_is_gone(project: Project) -> None:
    work(project, "one")
    job = take(project)
    connection().execute(
        "CREATE OR REPLACE FUNCTION not_done() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not done'; END $$"
    )
    connection().execute(
        f"CREATE TRIGGER not_done BEFORE UPDATE ON telemetry_job FOR EACH ROW WHEN (NEW.id = {job.id}"
        " AND NEW.state = 'done') EXECUTE FUNCTION not_done()"
    )
    try:
        assert not attempt(job)
    finally:
        connection().execute("DROP TRIGGER not_done ON telemetry_job")
    assert state(job)[0] == "waiting"
    assert not Report.objects.filter(project_id=project.pk).exists()


def test_a_report_is_not_made_while_calls_are_in_no_sum(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "SUMMING_S", 0.2)
    work(project, "one")
    job = take(project)

    def hold_and_attempt() -> bool:
        with connection().transaction():
            dirty.lock_folding(connection(), project_id=project.pk)
            return at_once(lambda: attempt(job))[0]

    assert not hold_and_attempt()
    assert "wait to be summed up" in state(job)[1]
    assert not Report.objects.filter(project_id=project.pk).exists()


def test_what_comes_late_makes_its_day_and_week_wait_to_be_reported_again(project: Project) -> None:
    work(project, "one")
    day = take(project)
    assert attempt(day)
    week = take(project, "weekly-report", WEEK)
    assert attempt(week, NIGHT + timedelta(days=5))
    work(project, "late")
    fold(project.pk)
    live.check_due(connection(), now=NIGHT + timedelta(days=5))
    assert [state(job)[0] for job in (day, week)] == ["waiting", "waiting"]
    assert summary(project)["tasks"] == 1
    assert attempt(take(project), NIGHT + timedelta(days=5, hours=1))
    assert summary(project)["tasks"] == 2
    assert Report.objects.filter(project_id=project.pk, kind="daily").count() == 1


def test_what_comes_while_a_report_is_written_is_in_the_next_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(project, "one")
    job, write = take(project), making.write

    def write_and_be_late(*args: Any, **named: Any) -> dict[str, Any]:
        plain = write(*args, **named)
        work(project, "late")
        fold(project.pk)
        live.check_due(connection(), now=NIGHT)
        return plain

    monkeypatch.setattr(making, "write", write_and_be_late)
    assert attempt(job)
    assert (state(job)[0], summary(project)["tasks"]) == ("waiting", 1)


def test_what_a_night_adds_up_itself_is_in_its_report_and_outdates_nothing(project: Project) -> None:
    work(project, "one")
    job = take(project)
    assert attempt(job)
    live.check_due(connection(), now=NIGHT)
    assert state(job)[0] == "done"


def test_work_of_today_outdates_no_report(project: Project) -> None:
    work(project, "one")
    job = take(project)
    assert attempt(job)
    work(project, "today", at=AT + timedelta(days=1))
    fold(project.pk)
    live.check_due(connection(), now=NIGHT + timedelta(hours=9))
    assert state(job)[0] == "done"


def test_what_is_due_begins_with_the_first_day_that_has_sums(project: Project) -> None:
    assert night.due_of(connection(), project, now=NIGHT) == []
    work(project, "one")
    assert night.due_of(connection(), project, now=NIGHT) == []
    take_all_in(project)
    assert [due.period.name for due in night.due_of(connection(), project, now=NIGHT)] == ["2026-11-18"]
    later = {(due.kind, due.period.name) for due in night.due_of(connection(), project, now=NIGHT + timedelta(days=13))}
    assert {("weekly-report", "2026-W48"), ("monthly-report", "2026-11"), ("daily-report", "2026-12-01")} <= later


def take_all_in(project: Project) -> None:
    """Fold what waits."""
    work(project, "fold")
    assert attempt(take(project))
    assert fold_state.newest_mark(connection(), project_id=project.pk) == 0


def test_a_project_in_a_zone_that_is_none_has_nothing_due_and_keeps_no_other_from_it(project: Project) -> None:
    take_all_in(project)
    project.time_zone = "Mars/Olympus_Mons"
    assert night.due_of(connection(), project, now=NIGHT) == []


def test_where_looking_for_what_is_due_takes_long_it_is_done_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[datetime] = []

    def look_long(_: object, *, now: datetime) -> int:
        looked.append(now)
        time.sleep(0.2)
        return 0

    monkeypatch.setattr(night, "enqueue_due", look_long)
    monkeypatch.setattr(night, "_look", night._Look())
    for _ in range(3):
        night.observe_due(connection(), now=NIGHT, patience_s=0)
    assert len(looked) == 1


ONE_NIGHT = """
from datetime import UTC, datetime, timedelta
from telemetry import facade
from telemetry.contracts import Call
now = datetime.now(UTC)
for slug in ("first", "second"):
    project = facade.ensure_project(slug=slug)
    calls = [Call(id=f"c{back}", started_at=now - timedelta(days=back), model="m", output=1) for back in (1, 2, 3)]
    facade.record(project_id=project.id, calls=calls, source="test", now=now)
facade.fold_due(now=now)
facade.check_runs(now=now)
noon = (now + timedelta(days=1)).replace(hour=12)  # after the hour at which projects are observed
print("made", facade.observe_due(now=noon, patience_s=60))
print("made", facade.observe_due(now=noon, patience_s=60))
"""


def test_a_wake_up_makes_all_that_is_due_of_every_project_and_the_next_one_nothing(own_url: str) -> None:
    done = run_tloi(own_url, "shell", "--no-imports", "--command", ONE_NIGHT)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert int(first.split()[1]) >= 8  # four days of two projects, and the weeks and months that end with them
    assert second == "made 0"
