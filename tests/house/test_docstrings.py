"""Every module says in its first line what it is for."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house.tree import files, is_migration


def without_docstring(paths: list[Path]) -> list[Path]:
    """The modules that do not begin with a docstring."""
    return [path for path in paths if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]


def test_every_module_has_a_docstring() -> None:
    assert without_docstring([path for path in files(".py") if not is_migration(path)]) == []


def test_a_module_without_a_docstring_is_found(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("# a comment is no docstring\nx = 1\n")
    assert without_docstring([sample]) == [sample]
