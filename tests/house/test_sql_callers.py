"""Each `.sql` file is run by one function, and that function bears the file's name (a leading underscore aside)."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.house.tree import ROOT, files

LOADER = "statement"


def callers(package: Path) -> list[tuple[str, str]]:
    """(statement, function) of each place in the modules of `package` that loads a named statement."""
    return [
        pair for module in sorted(package.glob("*.py")) for pair in _callers_in(ast.parse(module.read_text("utf-8")))
    ]


def misplaced_statements(package: Path) -> list[str]:
    """One line a `.sql` file of `package` that has no caller, several, or one of another name; and the reverse."""
    loaded = callers(package)
    counts = Counter(name for name, _ in loaded)
    stems = {path.stem for path in (package / "sql").glob("*.sql")}
    return (
        [f"{name}.sql is loaded {counts[name]} times" for name in sorted(stems) if counts[name] != 1]
        + [f"{function} loads {name}.sql" for name, function in loaded if function.lstrip("_") != name]
        + [f"{name}.sql is loaded but missing" for name in sorted(counts.keys() - stems)]
    )


def _callers_in(tree: ast.Module) -> list[tuple[str, str]]:
    """The loader may be wrapped once by a function of the module that passes its own argument on as the name."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    wrappers = {
        function.name for function in functions for call in _calls(function, {LOADER}) if _literal(call) is None
    }
    return [
        (name, function.name)
        for function in functions
        for call in _calls(function, {LOADER, *wrappers})
        if (name := _literal(call)) is not None
    ]


def _calls(function: ast.AST, names: set[str]) -> list[ast.Call]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in names]


def _literal(call: ast.Call) -> str | None:
    """The statement's name where it is written out: the last positional argument of the loader, else the first."""
    is_loader = isinstance(call.func, ast.Name) and call.func.id == LOADER
    argument = call.args[-1 if is_loader else 0] if call.args else None
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


PACKAGES = sorted({path.parent.parent for path in files(".sql")})


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_statement_is_run_by_the_one_function_of_its_name(package: Path) -> None:
    assert misplaced_statements(package) == []


def test_there_are_statements_to_check() -> None:
    assert ROOT / "telemetry" / "series" in PACKAGES


def test_unused_renamed_twice_used_and_missing_statements_are_found(tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    for name in ("unused", "totals", "twice", "fine", "wrapped"):
        (tmp_path / "sql" / f"{name}.sql").write_text("SELECT 1")
    (tmp_path / "queries.py").write_text(
        "def _compose(name): return statement(__package__, name)\n"
        "def wrapped(): return _compose('wrapped', None)\n"
        "def _fine(): return statement(__package__, 'fine')\n"
        "def sums(): return statement(__package__, 'totals')\n"
        "def twice(): return statement(__package__, 'twice') or statement(__package__, 'twice')\n"
        "def gone(): return statement(__package__, 'gone')\n"
    )
    assert misplaced_statements(tmp_path) == [
        "twice.sql is loaded 2 times",
        "unused.sql is loaded 0 times",
        "sums loads totals.sql",
        "gone.sql is loaded but missing",
    ]
