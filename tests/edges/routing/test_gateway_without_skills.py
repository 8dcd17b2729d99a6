"""Skills that cannot be read keep no request from being answered: it goes without them, and its answer says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.test import override_settings

from routing.models import Errand
from skills import registry
from telemetry.models import Project
from tests.edges.routing.test_gateway_skills import DATABASE, ask, ask_task, messages_of, system, user
from tests.gateways import Rungs
from tests.skill_folders import write_skill

TROUBLE = "x-tloi-skills-trouble"


def broken(*_: object, **__: object) -> NoReturn:
    """What no code that we know of raises."""
    raise MemoryError("no index")


def test_where_all_is_well_an_answer_speaks_of_no_trouble(rungs: Rungs, caller_key: str) -> None:
    status, headers, _ = ask(rungs, caller_key, user(DATABASE))
    assert (status, headers["x-tloi-skills"], headers[TROUBLE]) == (200, "aria-database,aria-health", None)


@pytest.mark.parametrize("left", ["nothing", "a file", "what may not be read"])
def test_a_root_that_is_gone_keeps_no_request_waiting(
    rungs: Rungs, caller_key: str, tmp_path: Path, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "house-skills"
    if left == "a file":
        root.write_text("no folder")
    if left == "what may not be read":
        write_skill(root, "databases", description="Analyze database performance.")
        _refuse(monkeypatch, root)
    with override_settings(SKILL_ROOTS=[str(root)]):
        status, headers, sent = ask(rungs, caller_key, user(DATABASE))
    assert (status, headers["x-tloi-skills"], headers[TROUBLE]) == (200, None, "cannot be read: house-skills")
    assert (system(sent), sent["messages"]) == ("", [user(DATABASE)])


def test_other_roots_go_on_beside_one_that_is_gone(rungs: Rungs, caller_key: str, tmp_path: Path) -> None:
    with override_settings(SKILL_ROOTS=[str(tmp_path / "gone"), "catalogue"]):
        status, headers, _ = ask(rungs, caller_key, user(DATABASE))
    assert (status, headers["x-tloi-skills"]) == (200, "aria-database,aria-health")
    assert headers[TROUBLE] == "cannot be read: gone"


@pytest.mark.parametrize(("part", "path"), [("registry_of", "chat/completions"), ("match", "messages")])
def test_a_registry_that_fails_keeps_no_request_from_its_answer(
    rungs: Rungs, caller_key: str, part: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, part, broken)
    status, headers, sent = ask(rungs, caller_key, user(DATABASE), path=path)
    assert (status, headers["x-tloi-skills"], headers[TROUBLE]) == (200, None, "skills cannot be read now")
    assert system(sent) == ""


def test_a_task_for_a_worker_is_taken_without_skills_where_these_fail(
    caller_key: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "registry_of", broken)
    asked = ask_task(caller_key, skills="auto")
    assert messages_of(asked) == [user(DATABASE)]
    assert Errand.objects.filter(project_id=project.pk).count() == 1


def _refuse(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Let nobody open a folder: whoever runs the tests may be root, whom modes of files do not stop."""
    opened = os.open

    def refusing(path: Any, *said: Any, **named: Any) -> int:
        if path == str(root):
            raise PermissionError(13, "Permission denied")
        return opened(path, *said, **named)

    monkeypatch.setattr(os, "open", refusing)
