"""The lock files pin every package by hash, hold all that pyproject.toml asks for, and name no index."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.tree import ROOT

_NAME = re.compile(r"[A-Za-z0-9._-]+")
LOCKS = {"requirements.lock": [], "tests/requirements.lock": ["test"]}


def unlocked(lock: str, wanted: list[str]) -> list[str]:
    """What is wrong with the text of a lock file that should hold the packages `wanted`."""
    entries = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE)).splitlines()
    options = [entry for entry in entries if entry.startswith("-") or "://" in entry]
    loose = [entry for entry in entries if "--hash=sha256:" not in entry or "==" not in entry]
    locked = {_normal(entry) for entry in entries}
    return options + loose + [name for name in wanted if _normal(name) not in locked]


def _normal(requirement: str) -> str:
    name = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", name.group()).lower() if name else ""


@pytest.mark.parametrize(("name", "groups"), LOCKS.items())
def test_a_lock_file_pins_every_package_by_hash(name: str, groups: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["server"]
    wanted = wanted + [requirement for group in groups for requirement in project["dependency-groups"][group]]
    assert unlocked((ROOT / name).read_text("utf-8"), wanted) == []


@pytest.mark.parametrize(
    "lock",
    [
        "-i https://index.example\ndjango==5 \\\n    --hash=sha256:1",
        "django @ https://index.example/django.whl --hash=sha256:1 ==",
        "django==5",
        "django>=5 \\\n    --hash=sha256:1",
        "celery==5 \\\n    --hash=sha256:1",
    ],
)
def test_a_loose_foreign_or_missing_package_is_found(lock: str) -> None:
    assert unlocked(lock, ["Django>=5"])
    assert unlocked("# why\ndjango==5 \\\n    --hash=sha256:1\n", ["Django>=5"]) == []
