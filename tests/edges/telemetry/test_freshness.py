"""What was acknowledged is in the next answer; where it cannot be yet, the answer says so."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client

from telemetry import facade
from telemetry.api import views
from telemetry.contracts import Call
from telemetry.dashboards import pages
from telemetry.ledger import dirty
from telemetry.management import added_up
from telemetry.models import Project
from telemetry.series import rollups
from tests import ledger_reading
from tests.api_calls import USAGE
from tests.page_reading import PageReader, store, visitor

AT = datetime(2025, 10, 24, 12, tzinfo=UTC)
DAYS = "from=2025-10-24&to=2025-10-24&tz=UTC"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def browser(project: Project) -> Client:
    """An owner's browser, on a project with one call that is added up."""
    store(project, [Call(id="1", started_at=AT, model="m", output=1)])
    return visitor(project)


def record(project: Project, *minutes: int) -> None:
    """Record a call at each of these minutes past noon; nobody adds them up."""
    calls = [Call(id=f"at {n}", started_at=AT.replace(minute=n), model="m", output=1) for n in minutes]
    facade.record(project_id=project.pk, calls=calls, source="test", now=datetime.now(UTC))


@contextmanager
def nobody_adds_up(project: Project) -> Iterator[None]:
    """Somebody else holds the project's sums, and does not finish."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        other.ensure_connection()
        dirty.lock_folding(other.connection, project_id=project.pk)
        yield
        other.rollback()
    finally:
        other.close()


def test_a_page_shows_what_was_stored_a_moment_ago(browser: Client, project: Project) -> None:
    record(project, 1)
    deadline = time.monotonic() + 30
    while "still adding up" in (html := browser.get(f"/?{DAYS}").content.decode()) and time.monotonic() < deadline:
        time.sleep(0.1)  # where the last fold was slow, a page lets some time pass before the next
    assert PageReader(html).cards["calls"] == "2"


def test_a_page_that_cannot_wait_says_how_much_is_missing(browser: Client, project: Project) -> None:
    record(project, 2, 3)
    with nobody_adds_up(project):
        html = browser.get(f"/?{DAYS}").content.decode()
    assert PageReader(html).cards["calls"] == "1"
    assert "still adding up calls of 2 minutes" in html
    ledger_reading.added_up(project.pk)
    assert "still adding up" not in browser.get(f"/?{DAYS}").content.decode()


def test_a_page_whose_project_cannot_be_added_up_is_shown_all_the_same(
    browser: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        connections["default"].cursor().execute("SELECT 1 / 0")

    record(project, 1)
    monkeypatch.setattr(rollups, "catch_up", fails)
    html = browser.get(f"/?{DAYS}").content.decode()
    assert PageReader(html).cards["calls"] == "1"
    assert "still adding up calls of 1 minute<" in html


def test_the_api_says_when_its_patience_ended(
    browser: Client, project: Project, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_PATIENCE_S", 0.2)
    record(project, 1)
    headers = {"Authorization": f"Bearer {key}"}
    with nobody_adds_up(project):
        late = Client().get(f"{USAGE}?{DAYS}", headers=headers)
    assert (late.json()["total"]["calls"], late.headers["X-TLOI-Waiting-Minutes"]) == (1, "1")
    whole = Client().get(f"{USAGE}?{DAYS}", headers=headers)
    assert whole.json()["total"]["calls"] == 2
    assert "X-TLOI-Waiting-Minutes" not in whole.headers


def test_the_command_line_says_what_is_missing(
    browser: Client, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(added_up, "PATIENCE_S", 0.2)
    record(project, 1)
    words = ("--project", project.slug, "--since", "2025-10-24", "--until", "2025-10-24")
    table, exact, complaint = io.StringIO(), io.StringIO(), io.StringIO()
    with nobody_adds_up(project):
        call_command("daily", *words, stdout=table)
        call_command("daily", *words, "--json", stdout=exact, stderr=complaint)
    assert json.loads(exact.getvalue())["total"]["calls"] == 1
    missing = "Calls of 1 minute are still being added up and missing here."
    assert missing in table.getvalue()
    assert missing in complaint.getvalue()


def test_who_adds_up_is_told_whether_all_of_it_is(browser: Client, project: Project) -> None:
    assert pages.catch_up(project.pk, now=datetime.now(UTC))
    record(project, 1)
    with nobody_adds_up(project):
        assert not pages.catch_up(project.pk, now=datetime.now(UTC), patience=0.2)
