"""Rules of shorter prompts in the stock admin: whose they are is chosen, and gateways know them in seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from routing import roster
from routing.contracts import Shortening
from routing.models import CompressionRule
from telemetry import facade
from telemetry.models import Project
from tests.compressing import read_anew
from tests.page_reading import person, visitor

RULES = "/admin/routing/compressionrule/"
FIELDS = {"mode": "on", "session_tokens": "50000", "turns": "20", "result_tokens": "5000"}
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    facade.create_key(project_slug=project.slug, name="agent", scopes=["gateway"])
    return visitor(project)


def known(project: Project) -> Shortening | None:
    read_anew()
    return roster.current(now=datetime.now(UTC)).shortens(project.slug)


def test_a_rule_of_a_project_comes_before_the_one_for_all_and_off_is_none(admin: Client, project: Project) -> None:
    assert known(project) is None
    assert admin.post(f"{RULES}add/", FIELDS | {"project": "", "mode": "shadow"}).status_code == 302
    try:
        assert known(project) == Shortening(mode="shadow")
        mine = FIELDS | {"project": project.slug, "turns": "7"}
        assert admin.post(f"{RULES}add/", mine).status_code == 302
        assert known(project) == Shortening(project=project.slug, mode="on", turns=7)
        rule = CompressionRule.objects.get(project=project.slug)
        assert admin.post(f"{RULES}{rule.pk}/change/", mine | {"mode": "off"}).status_code == 302
        assert known(project) is None
    finally:
        CompressionRule.objects.filter(project__in=("", project.slug)).delete()


@pytest.mark.parametrize("wrong", [{"project": "nowhere"}, {"turns": "0"}, {"result_tokens": "10"}, {"mode": "much"}])
def test_what_is_no_rule_is_refused(admin: Client, project: Project, wrong: dict[str, str]) -> None:
    assert admin.post(f"{RULES}add/", FIELDS | {"project": project.slug} | wrong).status_code == 200
    assert not CompressionRule.objects.filter(project=project.slug).exists()
