"""The sample day of the product's source document: posted through the API and observed, its report has every figure."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import call_command

from telemetry.access.keys import create_key
from telemetry.models import Project
from tests.api_calls import EXECUTIONS, ask
from tests.conftest import ROOT, SHARED_DATA, database_url

DAY = "2025-11-06"
pytestmark = pytest.mark.shared_data


@pytest.fixture
def expected() -> dict[str, Any]:
    """What the document says of its day."""
    said: dict[str, Any] = json.loads((SHARED_DATA / "golden_day" / "expected.json").read_bytes())
    return said


@pytest.fixture
def posted(web: str, project: Project) -> Project:
    """A project to which the day was sent."""
    key = create_key(project, name="orchestrator", scopes=["ingest", "read"])
    body = (SHARED_DATA / "golden_day" / "executions.jsonl").read_bytes()
    answer = ask(web, "POST", EXECUTIONS, key=key, body=body, headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status, answer.json["accepted"], answer.json["rejected"]) == (200, 11, [])
    return project


def observed(project: Project, *words: str) -> str:
    """What `tloi observe` prints."""
    out = io.StringIO()
    call_command("observe", "--date", DAY, "--project", project.slug, *words, stdout=out)
    return out.getvalue()


def listed(document: dict[str, Any], severity: str) -> list[list[Any]]:
    """The anomalies of a severity as the document lists them."""
    (group,) = [group for group in document["severities"] if group["severity"] == severity]
    return [[item["task_id"], item["type"], item["figure"], item["tokens_wasted"]] for item in group["listed"]]


@pytest.mark.parametrize("measure", ["weighted", "gross"])
def test_the_report_has_every_figure_of_the_day(posted: Project, expected: dict[str, Any], measure: str) -> None:
    Project.objects.filter(pk=posted.pk).update(token_measure=measure)
    said = json.loads(observed(posted, "--format", "json"))
    summary = said["summary"]
    assert said["first_day"] == said["last_day"] == expected["date"]
    assert summary["tasks"] == expected["total_tasks"]
    assert summary["tokens"] == expected["total_tokens"]
    assert summary["average_tokens"] == expected["average_tokens_per_task"]
    assert summary["average_io_ratio"] == expected["average_io_ratio"]
    assert summary["anomalies"] == expected["anomalies"]
    assert summary["anomalies_by_severity"] == {"high": len(expected["high"]), "medium": len(expected["medium"])}
    assert summary["tokens_wasted_overlapping"] == expected["tokens_wasted_sum_over_anomalies"]
    assert summary["tokens_wasted"] == expected["tokens_wasted_each_task_once"]
    assert listed(said, "high") == expected["high"]
    assert listed(said, "medium") == expected["medium"]
    assert said["apart"]["calls"] == 0


def test_it_recommends_what_the_document_recommends_and_nothing_else(posted: Project, expected: dict[str, Any]) -> None:
    said = json.loads(observed(posted, "--format", "json"))["recommendations"]
    assert len(said) == len(expected["recommendations"])
    kinds = ["high_severity", "reduce_waste", "optimize_context"]
    assert [one["kind"] for one in said] == kinds
    for one, wanted in zip(said, expected["recommendations"], strict=True):
        assert set(re.findall(r"\d[\d,.]*", wanted)) <= set(
            re.findall(r"\d[\d,.:]*\d|\d", one["text"].replace(":1", " 1"))
        )


def test_the_markdown_says_the_same_and_observing_again_changes_nothing(
    posted: Project, expected: dict[str, Any]
) -> None:
    first = observed(posted)
    for figure in ("11", "409,772", "37,252", "11.5:1", "9 (4 high, 5 medium)", "345,022, each task once", "529,407"):
        assert f"** {figure}" in first
    places = [first.find(f"| {task} | Context bloat |") for task, *_ in expected["high"]]
    assert -1 not in places
    assert places == sorted(places)
    for _, _, ratio, wasted in expected["high"]:
        assert re.search(rf"{ratio}:1.*\| {wasted:,} \|", first)

    def undated(text: str) -> str:
        return re.sub(r"written [\d -]+:\d\d", "", text)

    assert undated(observed(posted)) == undated(first)


def test_the_program_prints_it_too(posted: Project, expected: dict[str, Any]) -> None:
    command = (sys.executable, "-m", "tloi_site.program", "observe", "--date", DAY, "--project", posted.slug)
    done = subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        env={**os.environ, "DATABASE_URL": database_url()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# Daily report: 6 November 2025\n")
    assert f"{expected['tokens_wasted_sum_over_anomalies']:,}" in done.stdout
