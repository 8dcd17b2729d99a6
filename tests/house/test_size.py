"""A file has at most 400 lines and a function at most 40: the tail of a code base tells, not its average."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.tree import files, is_migration

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40


def long_files(paths: list[Path]) -> list[str]:
    """One line a file that is too long."""
    sizes = {path: len(path.read_text("utf-8").splitlines()) for path in paths}
    return [f"{path}: {size} lines" for path, size in sizes.items() if size > MAX_FILE_LINES]


def long_functions(path: Path) -> list[str]:
    """One line a function that is too long, counted from `def` to its last line."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [
        f"{path}:{node.lineno}: {node.name} has {size} lines"
        for node in functions
        if (size := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def test_no_file_is_longer_than_400_lines() -> None:
    sources = files(".py", ".css", ".js", ".html", ".sql", under=("",))
    assert long_files([path for path in sources if not is_migration(path)]) == []


@pytest.mark.parametrize("path", [path for path in files(".py") if not is_migration(path)], ids=str)
def test_no_function_is_longer_than_40_lines(path: Path) -> None:
    assert long_functions(path) == []


def test_a_file_of_401_lines_and_a_function_of_41_are_found(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("def f():\n" + "    x = 1\n" * 40 + "#\n" * 360)
    assert len(long_files([sample])) == 1
    assert len(long_functions(sample)) == 1


def test_a_file_of_400_lines_and_a_function_of_40_pass(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("async def f():\n" + "    x = 1\n" * 39 + "#\n" * 360)
    assert long_files([sample]) == []
    assert long_functions(sample) == []
