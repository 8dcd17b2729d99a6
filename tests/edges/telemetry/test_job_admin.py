"""Jobs in the admin: looked at, and tried again where they are dead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from telemetry.models import Job, Project
from tests.page_reading import person, visitor

LIST = "/admin/telemetry/job/"
NOW = datetime(2025, 11, 7, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def dead(project: Project) -> Iterator[Job]:
    """A job that failed three times, with hostile words in its error."""
    day = {"period": "2025-11-06", "first_day": "2025-11-06", "last_day": "2025-11-06"}
    said = {"state": "dead", "attempts": 3, "error": f"ValueError: <script>alert(1)</script>{'x' * 200}\nat line 2"}
    job = Job.objects.create(project=project, kind="daily-report", not_before_at=NOW, created_at=NOW, **day, **said)
    yield job
    job.delete()


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


def staff(project: Project, *permissions: str) -> Client:
    """The browser of somebody who may enter the admin, and so much of jobs."""
    who = User.objects.get(pk=person(project).pk)
    who.is_staff = True
    who.save()
    who.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return visitor(project)


def try_again(browser: Client, job: Job) -> str:
    return browser.post(LIST, {"action": "try_again", "_selected_action": str(job.pk)}, follow=True).content.decode()


def test_the_list_shows_state_attempts_and_the_first_line_of_the_error(admin: Client, dead: Job) -> None:
    html = admin.get(LIST).content.decode()
    assert "Dead: failed three times" in html
    assert "ValueError: &lt;script&gt;alert(1)&lt;/script&gt;xxx" in html
    assert "<script>alert" not in html
    assert "x" * 100 not in html
    assert "at line 2" not in html
    assert "at line 2" in admin.get(f"{LIST}{dead.pk}/change/").content.decode()


def test_a_dead_job_is_tried_again(admin: Client, dead: Job) -> None:
    assert "1 will be tried again" in try_again(admin, dead)
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == ("waiting", 0)


def test_a_job_that_is_not_dead_stays_as_it_is(admin: Client, dead: Job) -> None:
    Job.objects.filter(pk=dead.pk).update(state="done")
    assert "0 will be tried again" in try_again(admin, dead)
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == ("done", 3)


def test_nobody_adds_changes_or_deletes_a_job_by_hand(admin: Client, dead: Job) -> None:
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}{dead.pk}/change/", {"state": "done"}).status_code == 403
    assert admin.post(f"{LIST}{dead.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Job.objects.get(pk=dead.pk).state == "dead"


def test_who_may_only_look_at_jobs_tries_none_again(project: Project, dead: Job) -> None:
    assert "2025-11-06" in staff(project, "view_job").get(LIST).content.decode()
    try_again(staff(project, "view_job"), dead)
    assert Job.objects.get(pk=dead.pk).state == "dead"
    try_again(staff(project, "view_job", "change_job"), dead)
    assert Job.objects.get(pk=dead.pk).state == "waiting"
