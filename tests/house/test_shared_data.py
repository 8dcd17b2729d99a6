"""A test that reads the shared data says so, so that it can be skipped with a reason where that is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import files

_MARK = "pytest.mark.shared_data"
_READS = re.compile(r"shared/data|/\s*[\"']shared[\"']|\bshared_data\b")
Definition = ast.FunctionDef | ast.ClassDef | ast.Assign


def unmarked(source: str) -> list[str]:
    """The tests of a module that reach the shared data, themselves or by what the module defines, without the mark."""
    definitions = [node for node in ast.parse(source).body if isinstance(node, Definition)]
    texts = {name: ast.unparse(node) for node in definitions for name in _names(node)}
    if _MARK in texts.get("pytestmark", ""):
        return []
    reading = {name for name, text in texts.items() if _READS.search(text.replace(_MARK, ""))}
    while more := {name for name in texts.keys() - reading if _mentions(texts[name], reading)}:
        reading |= more
    return sorted(name for name in reading if name.startswith("test_") and _MARK not in texts[name])


def _names(node: Definition) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [node.name]


def _mentions(text: str, names: set[str]) -> bool:
    return any(re.search(rf"\b{name}\b", text) for name in names)


def test_every_test_that_reads_shared_data_is_marked() -> None:
    modules = [path for path in files(".py", under=("tests",)) if path != Path(__file__)]
    assert {path: found for path in modules if (found := unmarked(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "def test_x(): open('../shared/data/x')",
        "def test_x(shared_data): ...",
        "DATA = ROOT.parent / 'shared' / 'data'\ndef test_x(): DATA.iterdir()",
        "DATA = ROOT / 'shared'\ndef lines(): return DATA.iterdir()\ndef test_x(): lines()",
    ],
)
def test_a_test_that_reads_without_the_mark_is_found(source: str) -> None:
    assert unmarked(source) == ["test_x"]
    assert unmarked(source.replace("def test_x", f"@{_MARK}\ndef test_x")) == []
    assert unmarked(f"pytestmark = {_MARK}\n{source}") == []
