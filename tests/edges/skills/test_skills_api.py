"""Skills by HTTP: which there are, one with its body, a file of one, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from skills import facade as skills_facade
from skills import registry, roots
from skills.loader import folder
from skills.models import SkillRoot
from telemetry import facade
from telemetry.contracts import Execution, SkillLoad
from telemetry.models import Project
from tests.skill_folders import write_skill

URL = "/api/v1/skills/"
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(key: str) -> Ask:
    """Asks for an address below the skills: the status and the document."""

    def get(address: str = "") -> tuple[int, Any]:
        answer = Client().get(URL + address, headers={"Authorization": f"Bearer {key}"})
        return answer.status_code, json.loads(answer.content)

    return get


@pytest.fixture
def root(project: Project, tmp_path: Path) -> Path:
    """A root of the project's own, as the admin names one."""
    SkillRoot.objects.create(path=str(tmp_path), project_id=project.pk)
    roots.reread()
    return tmp_path


def test_the_catalogue_is_there_to_begin_with(ask: Ask) -> None:
    status, told = ask()
    assert status == 200
    assert len(told["skills"]) == 10
    assert told["broken"] == []
    assert next(one for one in told["skills"] if one["name"] == "aria-database")["tags"][0] == "database"


def test_a_skill_is_loaded_with_its_body_its_tokens_and_its_files(ask: Ask, project: Project) -> None:
    status, told = ask("aria-database/")
    assert (status, told["root"], told["files"]) == (200, "catalogue", ["references/thresholds.md"])
    assert "pg_stat_activity" in told["body"]
    assert 300 < told["tokens"] < 1_000
    assert told["digest"] == skills_facade.get("aria-database", project_id=project.pk).digest


def test_a_file_of_a_skill_is_given_as_bytes_that_no_browser_shows(key: str) -> None:
    address = f"{URL}aria-database/files/references/thresholds.md"
    answer = Client().get(address, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    assert answer.content.startswith(b"# What is worth saying")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_edited_skill_is_served_new_at_once(ask: Ask, root: Path) -> None:
    write_skill(root, "mine", body="Old.\n")
    assert ask("mine/")[1]["body"] == "Old.\n"
    write_skill(root, "mine", body="New.\n")
    assert ask("mine/")[1]["body"] == "New.\n"


@pytest.mark.parametrize(
    ("address", "status", "code", "why"),
    [
        ("none/", 404, "no_skill", "There is no skill none."),
        ("%00good/", 404, "no_skill", "lower-case letters"),
        ("Good/", 404, "no_skill", "lower-case letters"),
        ("broken/", 422, "bad_skill", "does not begin with a line of three hyphens"),
        ("linked/", 422, "bad_skill", "a link; make what it leads to a root of its own"),
        ("good/files/none.md", 404, "no_skill", "no such file"),
        ("good/files/%2e%2e/%2e%2e/etc/passwd", 422, "bad_skill", "hidden, goes up"),
        ("good/files/.env", 422, "bad_skill", "hidden"),
    ],
)
def test_what_cannot_be_given_out_is_refused_with_the_reason(
    ask: Ask, root: Path, address: str, status: int, code: str, why: str
) -> None:
    write_skill(root, "good")
    (root / "broken").mkdir()
    (root / "broken" / "SKILL.md").write_text("Just text.")
    (root / "linked").symlink_to(root / "good")
    found, told = ask(address)
    assert (found, told["error"]["code"]) == (status, code)
    assert why in told["error"]["message"]
    assert ask("good/")[0] == 200


def test_what_is_broken_is_listed_with_its_reason_and_no_path_of_the_server(ask: Ask, root: Path) -> None:
    (root / "broken").mkdir()
    (root / "broken" / "SKILL.md").write_text("Just text.")
    _, told = ask()
    (broken,) = told["broken"]
    assert (broken["name"], broken["root"]) == ("broken", root.name)
    assert "three hyphens" in broken["reason"]
    assert str(root) not in json.dumps(told)


def test_a_task_gets_the_skills_that_it_needs_with_the_reasons_and_what_was_not_loaded(ask: Ask) -> None:
    status, told = ask("match/?task=Analyze+database+performance")
    assert (status, told["tags"]) == (200, ["database", "performance", "monitoring"])
    assert [one["name"] for one in told["matches"]] == ["aria-database", "aria-health"]
    assert told["matches"][0]["reason"]["terms"] == ["analyze", "database", "performance"]
    loaded = sum(one["tokens"] for one in told["matches"])
    assert told["matches"][0]["tokens"] == ask("aria-database/")[1]["tokens"]
    every = sum(ask(f"{one['name']}/")[1]["tokens"] for one in ask()[1]["skills"])
    assert told["not_loaded"] == {"skills": 8, "tokens": every - loaded}


def test_a_task_that_no_skill_fits_gets_none(ask: Ask) -> None:
    status, told = ask("match/?task=What+goes+well+with+lasagne%3F")
    assert (status, told["matches"], told["tags"], told["not_loaded"]["skills"]) == (200, [], [], 10)


@pytest.mark.parametrize("query", ["", "?task=", "?task=%20", "?task=" + "x" * 10_001])
def test_without_a_task_there_is_nothing_to_match(ask: Ask, query: str) -> None:
    status, told = ask(f"match/{query}")
    assert (status, told["error"]["code"]) == (400, "bad_task")


def test_a_skill_of_the_projects_own_is_matched_and_what_became_of_its_runs_counts(
    ask: Ask, root: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_PAST_FOR_S", -1.0)
    monkeypatch.setattr(folder, "LOOKED_AFTER_S", -1.0)
    for name in ("alpha", "beta"):
        write_skill(root, name, tags="zebra", description="Counts zebras.")
    assert [one["name"] for one in ask("match/?task=count+zebras")[1]["matches"]] == ["alpha", "beta"]
    now = datetime.now(UTC)
    runs, told = [], []
    for number in range(60):
        name, run_id = ("alpha", "beta")[number % 2], f"run-{number}"
        status = "done" if name == "beta" or number % 4 else "failed"
        runs.append(Execution(execution_id=run_id, started_at=now, status=status))
        what: dict[str, Any] = {"skill": name, "digest": "d", "tokens": 1, "load_us": 1, "route": "api"}
        told.append(SkillLoad(id=uuid4(), loaded_at=now, execution_id=run_id, **what))
    facade.record(project_id=project.pk, executions=runs, source="test", now=now)
    facade.record_skill_loads(project_id=project.pk, loads=told)
    matches = ask("match/?task=count+zebras")[1]["matches"]
    assert [one["name"] for one in matches] == ["beta", "alpha"]
    assert matches[0]["reason"]["past"] == {"runs": 30, "well": 30}
    write_skill(root, "alpha", description="Paints walls.")
    assert [one["name"] for one in ask("match/?task=count+zebras")[1]["matches"]] == ["beta"]


def test_a_skill_that_only_people_may_ask_for_is_matched_with_no_task(ask: Ask, root: Path) -> None:
    (write_skill(root, "quiet")).write_text(
        "---\nname: quiet\ndescription: Counts zebras.\ndisable-model-invocation: true\n---\nCount.\n"
    )
    assert ask("match/?task=count+zebras")[1]["matches"] == []
    assert ask("quiet/")[0] == 200
