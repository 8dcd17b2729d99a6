"""What runs before a commit is what `make check` runs, command by command."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests import parts
from tests.house.tree import ROOT


def recipe(makefile: str, target: str) -> list[str]:
    """The commands of a target, with the folder of the virtual environment written out."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in found.group(1).splitlines()] if found else []


def entries(configuration: str) -> list[str]:
    """The commands of the hooks in a pre-commit configuration."""
    return [hook["entry"] for repo in yaml.safe_load(configuration)["repos"] for hook in repo["hooks"]]


def test_the_hooks_are_the_commands_of_make_check() -> None:
    hooks = entries((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert hooks
    assert hooks == recipe((ROOT / "Makefile").read_text("utf-8"), "check")


def test_a_command_that_only_one_of_them_runs_makes_them_differ() -> None:
    makefile = "all: check\ncheck: install ## why\n\t$(BIN)/ruff check\n\t$(BIN)/mypy\n\ntest:\n\tpytest\n"
    hooks = entries("repos: [{repo: local, hooks: [{id: ruff, entry: .venv/bin/ruff check}]}]")
    assert recipe(makefile, "check") == [".venv/bin/ruff check", ".venv/bin/mypy"]
    assert recipe(makefile, "check") != hooks == [".venv/bin/ruff check"]


def test_every_file_of_tests_is_run_by_make_test_once() -> None:
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path.parts[len(ROOT.parts) + 1] in ("house", "faults"):  # make check, make test-faults
            continue
        assert [_is_in(path, part) for part in parts.PARTS].count(True) == 1, path


def _is_in(path: Path, part: tuple[str, ...]) -> bool:
    named = [ROOT / word for word in part if not word.startswith("--")]
    left_out = [ROOT / word.removeprefix("--ignore=") for word in part if word.startswith("--")]
    assert all(folder.is_dir() for folder in (*named, *left_out))
    return any(map(path.is_relative_to, named)) and not any(map(path.is_relative_to, left_out))
