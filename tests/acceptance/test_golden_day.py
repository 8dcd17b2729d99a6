"""The document's sample day: its eleven executions are sent by HTTP, and each figure of the observer is its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from telemetry import facade
from telemetry.database import connection
from telemetry.models import Anomaly, Project, Run
from telemetry.observer import waste
from telemetry.observer.judging import judge_span
from telemetry.series import rollups, runs
from tests.api_calls import EXECUTIONS, send
from tests.conftest import SHARED_DATA

DAY = datetime(2025, 11, 6, tzinfo=UTC)
END = DAY + timedelta(days=1)
NOW = datetime(2025, 11, 7, 1, tzinfo=UTC)
pytestmark = pytest.mark.shared_data


@cache
def golden(name: str) -> str:
    return (SHARED_DATA / "golden_day" / name).read_text("utf-8")


def expected() -> dict[str, Any]:
    """What the document says of that day."""
    found: dict[str, Any] = json.loads(golden("expected.json"))
    return found


def sent(web: str, key: str, project: Project, **changed: Any) -> None:
    """The day is sent, and added up as the beat does."""
    items = [json.loads(line) | changed for line in golden("executions.jsonl").splitlines()]
    assert send(web, key, items, path=EXECUTIONS)["accepted"] == expected()["total_tasks"]
    assert rollups.catch_up(connection(), project_id=project.pk, now=NOW, patience=60).is_clean


def listed(project: Project, severity: str) -> list[list[Any]]:
    """The anomalies of a severity as the document lists them: the task, what, the figure, the tokens wasted."""
    found = Anomaly.objects.filter(project_id=project.pk, severity=severity).order_by("started_at")
    figures = {"context_bloat": "ratio", "expensive_task": "total"}
    return [[one.task_id, one.detector, one.evidence[figures[one.detector]], one.tokens_wasted] for one in found]


@pytest.mark.parametrize("judged", ["live", "at night"])
def test_every_anomaly_of_the_golden_day_is_found_with_its_figures(
    web: str, key: str, project: Project, judged: str
) -> None:
    sent(web, key, project)
    if judged == "live":
        assert facade.catch_up_runs(project_id=project.pk, now=NOW, patience_s=60)
    else:
        assert runs.catch_up(connection(), project_id=project.pk, now=NOW, patience_s=60)
        assert judge_span(connection(), project_id=project.pk, start=DAY, end=END, now=NOW) == expected()["anomalies"]
    assert listed(project, "high") == expected()["high"]
    assert listed(project, "medium") == expected()["medium"]
    found = waste.sums(connection(), project_id=project.pk, start=DAY, end=END)
    assert found.total == waste.Sum(expected()["anomalies"], expected()["tokens_wasted_sum_over_anomalies"])
    assert found.tokens_once == expected()["tokens_wasted_each_task_once"]
    totals = list(Run.objects.filter(project_id=project.pk).values_list("input_uncached", "output"))
    assert sum(inputs + output for inputs, output in totals) == expected()["total_tokens"]


def test_the_same_day_of_other_executions_raises_other_anomalies(web: str, key: str, project: Project) -> None:
    """The control: a day on which every task read half as much is not the document's."""
    sent(web, key, project, tokens_input=20_000)
    assert runs.catch_up(connection(), project_id=project.pk, now=NOW, patience_s=60)
    judge_span(connection(), project_id=project.pk, start=DAY, end=END, now=NOW)
    assert listed(project, "high") != expected()["high"]
