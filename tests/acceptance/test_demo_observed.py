"""The demo's observer finds all that was planted, and leaves the healthy fleet, the retry and the new answer alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from telemetry import facade
from telemetry.database import connection
from telemetry.ledger.ingest import ingest
from telemetry.models import Anomaly, Project
from telemetry.observer.judging import judge_span
from telemetry.series import rollups
from telemetry.sources.demo import planted

FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)
NOW = FRIDAY + timedelta(days=3, hours=7)
DAYS = [FRIDAY.date() - timedelta(days=back) for back in range(6, -1, -1)]


def observed(project: Project, *, cached: int = 0) -> set[tuple[str, str]]:
    """What is found of a week of the orchestrator, live and at night alike; each call reads `cached` tokens more."""
    runs = [pair for day in DAYS for pair in planted.planted_runs(day, now=NOW)]
    calls = [replace(call, cache_read=cached) for _, call in runs]
    executions = [execution for execution, _ in runs]
    ingest(connection(), project_id=project.pk, calls=calls, executions=executions, source="demo", now=NOW)
    assert rollups.catch_up(connection(), project_id=project.pk, now=NOW, patience=60).is_clean
    assert facade.catch_up_runs(project_id=project.pk, now=NOW, patience_s=60)
    live = found(project)
    judge_span(connection(), project_id=project.pk, start=FRIDAY - timedelta(days=6), end=NOW, now=NOW)
    assert found(project) == live
    return live


def found(project: Project) -> set[tuple[str, str]]:
    return set(Anomaly.objects.filter(project_id=project.pk).values_list("execution_id", "detector"))


def test_all_that_was_planted_is_found_and_nothing_else(project: Project) -> None:
    expected = {pair for day in DAYS for pair in planted.to_find(day, now=NOW)}
    assert len(expected) == 5 * 6
    assert {detector for _, detector in expected} == {
        "context_bloat",
        "duplicate_work",
        "expensive_task",
        "false_completion",
        "inefficient_task",
    }
    assert observed(project) == expected


def test_a_fleet_that_reads_too_much_is_not_left_alone(project: Project) -> None:
    """The control: the same runs with contexts that are out of hand."""
    healthy = {run.execution_id for run, _ in planted.planted_runs(FRIDAY.date(), now=NOW) if run.task_type == "index"}
    flagged = {key for key, _ in observed(project, cached=400_000)}
    assert healthy <= flagged
