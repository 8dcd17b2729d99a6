"""What beat wakes every two seconds judges executions that just ended: an alert need not wait for the night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telemetry import facade, tasks
from telemetry.contracts import Call, Execution
from telemetry.models import Anomaly, Project

pytestmark = pytest.mark.usefixtures("nothing_waits")


def found(project: Project) -> set[tuple[str, str]]:
    """Which executions are flagged, and by which detector."""
    return set(Anomaly.objects.filter(project_id=project.pk).values_list("execution_id", "detector"))


def test_one_wake_up_judges_what_was_stored_until_then(project: Project) -> None:
    now = datetime.now(UTC)
    calls = [
        Call(
            id=f"{n}",
            started_at=now - timedelta(minutes=n),
            model="m",
            input_uncached=9_000,
            output=3_000,
            execution_id="dear",
        )
        for n in range(2)
    ]
    dear = Execution(execution_id="dear", started_at=now - timedelta(minutes=3), status="done", execution_time=180.0)
    small = Execution(execution_id="small", started_at=now, tokens_input=100, tokens_output=50, status="done")
    facade.record(project_id=project.pk, calls=calls, executions=[dear, small], source="api", now=now)
    tasks.fold()
    assert found(project) == {("dear", "expensive_task")}


def test_a_run_that_grows_is_judged_again(project: Project) -> None:
    now = datetime.now(UTC)
    run = Execution(execution_id="r", started_at=now - timedelta(minutes=3), status="done", execution_time=120.0)
    for n, expected in enumerate([set(), {("r", "expensive_task")}]):
        call = Call(id=f"{n}", started_at=now - timedelta(minutes=n), model="m", output=6_000, execution_id="r")
        facade.record(project_id=project.pk, calls=[call], executions=[run], source="api", now=now)
        assert facade.catch_up_runs(project_id=project.pk, now=now, patience_s=0) is True
        facade.fold_due(now=now + timedelta(minutes=2 * n + 1))
        assert facade.catch_up_runs(project_id=project.pk, now=now, patience_s=30)
        assert found(project) == expected
