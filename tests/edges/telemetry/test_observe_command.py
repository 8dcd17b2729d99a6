"""`tloi observe` judges a day, a week or a month now and prints its report; what it cannot, it says in a line."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from telemetry import facade
from telemetry.contracts import Execution
from telemetry.models import Anomaly, Project, Report
from telemetry.observer import verdicts
from telemetry.observer.verdicts import Seen

MORNING = datetime(2025, 11, 6, 8, tzinfo=UTC)


def observe(project: Project, *words: str) -> str:
    out = io.StringIO()
    call_command("observe", "--project", project.slug, *words, stdout=out)
    return out.getvalue()


def run(project: Project, name: str, *, at: datetime = MORNING, inputs: int = 50_000) -> None:
    """An execution with its totals, as an orchestrator sends it."""
    sent = Execution(started_at=at, execution_id=name, task_id=name, model="m", tokens_input=inputs, tokens_output=1000)
    facade.record(project_id=project.pk, executions=[sent], source="test", now=datetime.now(UTC))


def test_it_adds_up_judges_and_prints_what_was_just_recorded(project: Project) -> None:
    run(project, "bloated")
    said = json.loads(observe(project, "--date", "2025-11-06", "--format", "json"))
    assert (said["summary"]["tasks"], said["summary"]["tokens"]) == (1, 51_000)
    assert said["summary"]["anomalies_by_type"] == {"context_bloat": 1, "expensive_task": 1}
    assert Report.objects.get(project_id=project.pk).document == said


def test_a_mark_of_a_person_survives_and_takes_the_anomaly_out_of_the_report(project: Project) -> None:
    run(project, "bloated")
    observe(project, "--date", "2025-11-06")
    one = Anomaly.objects.get(project_id=project.pk, detector="context_bloat")
    seen = [Seen(one.execution_id, one.detector, one.state)]
    verdicts.judge(project_id=project.pk, seen=seen, state="not_waste", by="ada", now=datetime.now(UTC))
    said = json.loads(observe(project, "--date", "2025-11-06", "--format", "json"))["summary"]
    assert (said["anomalies"], said["not_waste"], said["tokens_wasted"]) == (1, 1, 41_000)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--date", "2025-11-06", "--week"], "2025-W45"),
        (["--date", "2025-11-06", "--month"], "2025-11"),
        (["--date", "2025-W45"], "2025-W45"),
        (["--date", "2025-11"], "2025-11"),
        (["--date", "2025-11", "--month"], "2025-11"),
    ],
)
def test_a_week_and_a_month_are_observed_whole(project: Project, words: list[str], name: str) -> None:
    run(project, "a")
    run(project, "b", at=MORNING + timedelta(days=2))
    said = json.loads(observe(project, *words, "--format", "json"))
    assert (said["period"], said["summary"]["tasks"]) == (name, 2)


def test_without_a_date_it_observes_yesterday(project: Project) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    said = json.loads(observe(project, "--format", "json"))
    assert (said["period"], said["is_whole"], said["summary"]["tasks"]) == (yesterday.isoformat(), True, 0)


def test_today_is_observed_so_far_and_says_so(project: Project) -> None:
    assert "before the day was over" in observe(project, "--date", datetime.now(UTC).date().isoformat())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--date", "8999-01-01"], "8999-01-01 has not begun yet: in UTC it is"),
        (["--date", "yesterday"], "not a day, week or month such as 2025-11-06"),
        (["--date", "2025-02-30"], "in no calendar"),
        (["--date", "2019-01-01"], "Reports are of days from 2020-01-01"),
        (["--date", "2025-W45", "--month"], "2025-W45 is no day"),
        (["--date", "2025-11-06", "--project", "nobody"], "There is no project 'nobody'."),
        (["--week", "--month"], "not allowed with"),
    ],
)
def test_what_cannot_be_observed_is_told_in_a_line(project: Project, words: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason.replace("(", r"\(")):
        observe(project, *words)
    assert not Report.objects.filter(project_id=project.pk).exists()


def test_a_day_is_the_project_s_own(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    run(project, "late", at=datetime(2025, 11, 6, 18, 30, tzinfo=UTC))
    assert json.loads(observe(project, "--date", "2025-11-07", "--format", "json"))["summary"]["tasks"] == 1
    assert json.loads(observe(project, "--date", "2025-11-06", "--format", "json"))["summary"]["tasks"] == 0
