"""Roots of skills in the stock admin: a folder of a project's own, chosen, and used at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from skills import facade as skills
from skills.models import SkillRoot
from telemetry.access.projects import ensure_project
from telemetry.models import Project
from tests.page_reading import person, visitor
from tests.skill_folders import write_skill

ROOTS = "/admin/skills/skillroot/"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


def test_a_root_is_named_for_a_project_used_at_once_by_it_alone_and_taken_away(
    admin: Client, project: Project, tmp_path: Path
) -> None:
    write_skill(tmp_path, "mine", body="Mine.\n")
    other = ensure_project(slug=f"{project.slug}-2")
    assert f">{project.slug}</option>" in admin.get(f"{ROOTS}add/").content.decode()
    said = {"path": str(tmp_path), "project_id": str(project.pk), "position": "1"}
    assert admin.post(f"{ROOTS}add/", said).status_code == 302
    assert skills.get("mine", project_id=project.pk).body == "Mine.\n"
    with pytest.raises(skills.NoSkill):
        skills.get("mine", project_id=other.pk)
    assert project.slug in admin.get(ROOTS).content.decode()
    root = SkillRoot.objects.get(path=str(tmp_path))
    assert admin.post(f"{ROOTS}{root.pk}/delete/", {"post": "yes"}).status_code == 302
    with pytest.raises(skills.NoSkill):
        skills.get("mine", project_id=project.pk)


def test_several_roots_are_taken_away_at_once(admin: Client, project: Project, tmp_path: Path) -> None:
    write_skill(tmp_path / "a", "one")
    said = {"path": str(tmp_path / "a"), "project_id": str(project.pk), "position": "1"}
    admin.post(f"{ROOTS}add/", said)
    assert skills.get("one", project_id=project.pk).root == "a"
    chosen = SkillRoot.objects.get(path=said["path"]).pk
    admin.post(ROOTS, {"action": "delete_selected", "_selected_action": [str(chosen)], "post": "yes"})
    with pytest.raises(skills.NoSkill):
        skills.get("one", project_id=project.pk)


@pytest.mark.parametrize("path", ["skills", "../skills", "/srv/../etc", "", "~/skills"])
def test_a_path_that_means_another_folder_for_each_process_is_refused(admin: Client, path: str) -> None:
    answer = admin.post(f"{ROOTS}add/", {"path": path, "project_id": "", "position": "1"})
    assert answer.status_code == 200
    assert not SkillRoot.objects.filter(path=path).exists()


def test_the_same_root_is_named_once(admin: Client, project: Project, tmp_path: Path) -> None:
    said = {"path": str(tmp_path), "project_id": str(project.pk), "position": "1"}
    statuses = [admin.post(f"{ROOTS}add/", said).status_code for _ in range(2)]
    assert statuses == [302, 200]
