"""`tloi rollup` sums up what changed, or all of it anew, and says so."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command

from telemetry import facade
from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.models import Anomaly, Dirty, Project, Run
from telemetry.series import rollup_tables, rollups
from tests.conftest import database_url
from tests.rollup_reading import counted, folded

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def three_days(project: Project) -> None:
    """A call on each of three days."""
    calls = [Call(id=str(n), started_at=NOON - timedelta(days=n), model="m", output=1) for n in range(3)]
    facade.record(project_id=project.pk, calls=calls, source="test", now=NOON)


def said(project: Project, *words: str) -> str:
    out = io.StringIO()
    call_command("rollup", "--project", project.slug, *words, stdout=out)
    return out.getvalue()


def spoil(project: Project) -> None:
    """Make sums wrong, as only a broken disk or a person could."""
    connection().execute("UPDATE telemetry_rollup_15m SET output = 7 WHERE project_id = %s", [project.pk])


def test_it_sums_up_what_changed_and_names_the_newest_call(project: Project) -> None:
    assert said(project) == (
        f"Project {project.slug}: all is summed up, its newest call is of 2026-11-10 12:00:00 UTC.\n"
    )
    assert not Dirty.objects.filter(project_id=project.pk).exists()
    assert folded(project.pk) == counted(project.pk)


def test_it_makes_all_sums_anew(project: Project) -> None:
    said(project)
    spoil(project)
    assert said(project, "--rebuild") == f"Project {project.slug}: the sums of 3 days are made anew.\n"
    assert folded(project.pk) == counted(project.pk)


def test_it_makes_the_sums_of_some_days_anew(project: Project) -> None:
    said(project)
    spoil(project)
    assert "1 day is made anew" in said(project, "--rebuild", "--from", "2026-11-09", "--to", "2026-11-09")
    wrong = [key for key, row in folded(project.pk)["15m"].items() if row[0]["output"] == 7]
    assert sorted(bucket.date() for bucket, *_ in wrong) == [date(2026, 11, 8), date(2026, 11, 10)]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--from", "2026-11-09"), "add --rebuild"),
        (("--rebuild", "--from", "yesterday"), "is not a date"),
        (("--rebuild", "--from", "2026-11-09", "--to", "2026-11-08"), "ends (2026-11-08) before it begins"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(project: Project, words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(CommandError, match=reason.replace("(", r"\(").replace(")", r"\)")):
        said(project, *words)


def test_an_unknown_project_is_named(project: Project) -> None:
    with pytest.raises(CommandError, match="There is no project 'nobody'"):
        call_command("rollup", "--project", "nobody")


def test_it_says_that_somebody_else_is_at_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    said(project)
    monkeypatch.setattr(rollups, "_LOCK_S", 0.2)
    with psycopg.connect(database_url()) as other:
        rollups.lock(other, project_id=project.pk)
        with pytest.raises(CommandError, match="run this again"):
            said(project, "--rebuild")


def test_it_fails_where_not_all_can_be_summed_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup_tables, "roll_calls", lambda conn, **_: conn.execute("SELECT 1 / 0"))
    with pytest.raises(CommandError, match="could not be summed up in full"):
        said(project)


def test_it_adds_up_and_judges_runs_too_and_makes_them_anew(project: Project) -> None:
    """An execution's row is there at once, and whatever became of it comes back."""
    big = Execution(execution_id="r", started_at=NOON, tokens_input=90_000, tokens_output=9_000, status="done")
    facade.record(project_id=project.pk, executions=[big], source="api", now=NOON)
    said(project)
    assert Run.objects.get(project_id=project.pk).output == 9_000
    assert Anomaly.objects.filter(project_id=project.pk, execution_id="r").exists()
    Run.objects.filter(project_id=project.pk).update(output=1)
    said(project, "--rebuild")
    assert Run.objects.get(project_id=project.pk).output == 9_000
