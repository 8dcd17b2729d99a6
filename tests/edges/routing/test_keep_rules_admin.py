"""Rules of kept answers in the stock admin: whose they are is chosen, and a change forgets what was kept."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from routing.cache.results import cache_with_ttl
from routing.models import KeepRule
from telemetry import facade
from telemetry.models import ApiKey, Project
from tests.page_reading import person, visitor

RULES = "/admin/routing/keeprule/"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    facade.create_key(project_slug=project.slug, name="agent", scopes=["gateway"])
    return visitor(project)


class Kept:
    """A result that is kept for a project."""

    def __init__(self, project: str) -> None:
        self.made = 0

        def make(mark: str) -> str:
            self.made += 1
            return mark

        self._ask, self._mark = cache_with_ttl(hours=1, tags=(f"answers of {project}",))(make), uuid.uuid4().hex

    def ask(self) -> int:
        """Ask for it; how often it was made."""
        self._ask(self._mark)
        return self.made


def test_a_rule_is_made_changed_and_deleted_and_each_time_what_was_kept_for_its_project_is_forgotten(
    admin: Client, project: Project
) -> None:
    mine, others = Kept(project.slug), Kept("another")
    assert [mine.ask(), mine.ask(), others.ask()] == [1, 1, 1]
    key = ApiKey.objects.get(project=project)
    form = admin.get(f"{RULES}add/").content.decode()
    assert f"{project.slug}: agent ({key.prefix})" in form
    fields = {"project": project.slug, "key_id": str(key.pk), "task_type": "sum", "hours": "2"}
    assert admin.post(f"{RULES}add/", fields).status_code == 302
    rule = KeepRule.objects.get(project=project.slug)
    assert (rule.key_id, rule.task_type, rule.hours) == (key.pk, "sum", 2)
    assert [mine.ask(), mine.ask()] == [2, 2]
    assert admin.post(f"{RULES}{rule.pk}/change/", fields | {"hours": "0"}).status_code == 302
    assert mine.ask() == 3
    assert admin.post(f"{RULES}{rule.pk}/delete/", {"post": "yes"}).status_code == 302
    assert mine.ask() == 4
    assert not KeepRule.objects.filter(project=project.slug).exists()
    assert others.ask() == 1


def test_a_rule_is_kept_where_the_cache_cannot_forget_and_the_page_says_so(
    admin: Client, project: Project, settings: Settings
) -> None:
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    fields = {"project": project.slug, "key_id": "", "task_type": "", "hours": "2"}
    answer = admin.post(f"{RULES}add/", fields, follow=True)
    assert "The cache does not answer" in answer.content.decode()
    KeepRule.objects.get(project=project.slug).delete()


@pytest.mark.parametrize("wrong", [{"hours": "721"}, {"hours": "-1"}, {"project": "nowhere"}, {"key_id": "0"}])
def test_what_is_no_rule_is_refused(admin: Client, project: Project, wrong: dict[str, str]) -> None:
    fields = {"project": project.slug, "key_id": "", "task_type": "", "hours": "2"}
    assert admin.post(f"{RULES}add/", fields | wrong).status_code == 200
    assert not KeepRule.objects.filter(project=project.slug).exists()
