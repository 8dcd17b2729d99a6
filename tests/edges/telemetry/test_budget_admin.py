"""Budgets in the stock admin."""

from __future__ import annotations

from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from telemetry.access.keys import create_key
from telemetry.models import Budget, Project
from tests.budgeting import grant_plan
from tests.page_reading import person, visitor

ADD = "/admin/telemetry/budget/add/"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


def test_a_budget_is_written_in_shadow_mode_and_says_that_nothing_is_refused_yet(
    admin: Client, project: Project
) -> None:
    form = {"project": str(project.pk), "scope": "agent", "subject": " builder ", "period": "day", "amount": "50000"}
    page = admin.post(ADD, form | {"counts": "weighted", "mode": "shadow", "is_enabled": "on"}, follow=True)
    html = unescape(page.content.decode())
    assert "the gateway lowers or refuses calls that do not fit" in html
    assert "Agent (builder), day: 50,000 tokens" in html
    assert Budget.objects.get(project=project).subject == "builder"


def test_part_of_a_token_is_refused_with_the_reason(admin: Client, project: Project) -> None:
    form = {"project": str(project.pk), "scope": "project", "period": "month", "amount": "0.5", "mode": "warn"}
    refused = admin.post(ADD, form | {"counts": "gross", "is_enabled": "on"})
    assert "Tokens are whole." in unescape(refused.content.decode())
    admin.post(ADD, form | {"counts": "usd", "is_enabled": "on"})
    assert str(Budget.objects.get(project=project)) == "The whole project (it), month: 0.5 US dollars"


def test_the_list_shows_the_plan_s_defaults_for_every_project(admin: Client) -> None:
    grant_plan()
    html = unescape(admin.get("/admin/telemetry/budget/?scope=session_type").content.decode())
    assert "direct_chat" in html
    assert "every project" in html


def test_of_a_key_that_is_typed_in_whole_nothing_secret_is_kept(admin: Client, project: Project) -> None:
    plain = create_key(project, name="agent", scopes=["ingest"])
    form = {"project": str(project.pk), "scope": "key", "period": "day", "amount": "500", "counts": "gross"}
    form |= {"mode": "warn", "is_enabled": "on"}
    refused = admin.post(ADD, form | {"subject": "tloi_nobodys0_x"})
    assert "No key of this project begins with tloi_ and these letters." in unescape(refused.content.decode())
    refused = admin.post(ADD, form | {"subject": plain, "period": "session"})
    assert "A key has a budget a day, week or month." in unescape(refused.content.decode())
    admin.post(ADD, form | {"subject": plain})
    assert Budget.objects.get(project=project).subject == plain.split("_")[1]
