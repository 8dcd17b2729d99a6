"""Skills by the agents' SDK, of a real server, and of one that is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from skills.models import SkillRoot
from telemetry.client_skills import Skills
from telemetry.models import Project, SkillInvocation
from tests.skill_folders import write_skill
from tests.stalls import until


@pytest.fixture
def skills(web: str, key: str) -> Skills:
    return Skills(web, key, agent="scout")


def test_a_task_names_its_skills_and_each_is_loaded_for_its_run(skills: Skills, project: Project) -> None:
    assert skills.match("Analyze database performance") == ["aria-database", "aria-health"]
    assert skills.match("What goes well with lasagne?") == []
    skill = skills.get("aria-database", execution_id="run ü/7", task_type="triage")
    assert skill is not None
    assert "pg_stat_activity" in skill.body
    assert (skill.tags[0], skill.files) == ("database", ("references/thresholds.md",))
    assert (skills.file(skill.name, skill.files[0]) or b"").startswith(b"# What is worth saying")
    until(lambda: SkillInvocation.objects.filter(project_id=project.pk).exists())
    row = SkillInvocation.objects.get(project_id=project.pk)
    assert (row.agent, row.task_type, row.digest, row.tokens) == ("scout", "triage", skill.digest, skill.tokens)
    assert row.execution_id == "run ü/7"


@pytest.mark.parametrize("name", ["none", "", "../../etc/passwd", "match", "a b\n", "ü"])
def test_what_is_not_there_is_none(skills: Skills, name: str) -> None:
    assert skills.get(name) is None
    assert skills.file("aria-database", "../aria-health/SKILL.md") is None


def test_while_tloi_is_away_a_skill_is_what_it_was_and_gone_once_it_is_gone(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    SkillRoot.objects.create(path=str(tmp_path), project_id=project.pk)
    file = write_skill(tmp_path, "mine", body="Mine.\n")
    skills = Skills(web, key)
    until(lambda: skills.get("mine") is not None)
    skills._url, there = "http://127.0.0.1:9", skills._url
    kept = skills.get("mine")
    assert kept is not None
    assert kept.body == "Mine.\n"
    assert skills.match("mine") == []
    skills._url = there
    file.unlink()
    assert skills.get("mine") is None


def test_a_stranger_or_no_address_stops_nobody() -> None:
    for url, key in (("", ""), ("ftp://x", "k"), ("http://127.0.0.1:9", "k\n")):
        assert Skills(url, key).get("aria-health") is None
