"""What the detectors say of real agents, gross against weighed: the table of docs/detectors.md is measured here."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from itertools import product

import pytest

from telemetry import facade
from telemetry.database import connection
from telemetry.importer.importing import import_files
from telemetry.importer.registry import LOCAL_SOURCES
from telemetry.models import Anomaly, Project, Run, TokenMeasure
from telemetry.observer.judging import judge_span
from telemetry.observer.rules import DETECTORS
from telemetry.series import rollups
from tests.conftest import ROOT, SHARED_DATA
from tests.otlp_replay import CAPTURED, captured, replay

EVER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
MEASURES = (TokenMeasure.GROSS, TokenMeasure.WEIGHTED)
pytestmark = [pytest.mark.shared_data, pytest.mark.slow]


def documented(data: str) -> dict[str, list[int]]:
    """The rows of the table about a set of data: the number of runs, and per detector those flagged gross, weighed."""
    text = (ROOT / "docs" / "detectors.md").read_text("utf-8").partition("## What they say of real agents")[2]
    part = text.partition(f"`{data}`")[2].partition("\n\n")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+)[^|]*\| ([\d,]+)[^|]*\|$", part, re.MULTILINE)
    return {name: [int(cell.replace(",", "")) for cell in cells] for name, *cells in rows}


def flagged(project: Project) -> dict[str, list[int]]:
    """How many runs each detector flags when tokens count gross, and when they are weighed."""
    now = datetime.now(UTC)
    assert rollups.catch_up(connection(), project_id=project.pk, now=now, patience=60).is_clean
    assert facade.catch_up_runs(project_id=project.pk, now=now, patience_s=60)
    found: Counter[tuple[str, str]] = Counter()
    for measure in MEASURES:
        Project.objects.filter(pk=project.pk).update(token_measure=measure)
        judge_span(connection(), project_id=project.pk, start=EVER[0], end=EVER[1], now=now)
        for detector in Anomaly.objects.filter(project_id=project.pk).values_list("detector", flat=True):
            found[detector, measure] += 1
    return {one.NAME: [found[one.NAME, measure] for measure in MEASURES] for one in DETECTORS}


def test_the_shares_of_real_transcripts_are_what_the_documentation_says(project: Project) -> None:
    (source,) = (one for one in LOCAL_SOURCES if one.name == "claude-code")
    files = sorted((SHARED_DATA / "claude_code").rglob("*.jsonl"))
    import_files(
        connection(), project_id=project.pk, source=source, files=files, host="h", clock=lambda: datetime.now(UTC)
    )
    found = flagged(project)
    runs = Run.objects.filter(project_id=project.pk).count()
    assert {"runs": [runs, runs], **found} == documented("claude_code")


def test_the_shares_of_captured_exports_are_what_the_documentation_says(web: str, key: str, project: Project) -> None:
    folders = sorted(path.name for path in CAPTURED.iterdir() if path.is_dir())
    for folder, signal in product(folders, ("logs", "traces")):
        for request in captured(folder, signal):
            assert replay(web, key, request).status == 200
    found = flagged(project)
    runs = Run.objects.filter(project_id=project.pk).count()
    assert {"runs": [runs, runs], **found} == documented("otlp_captured")


def test_a_table_that_says_something_else_is_found() -> None:
    assert documented("nothing of that name") == {} != documented("claude_code")
