"""Who may import whom: import-linter's contracts hold, and go red when a line is crossed; pure means pure."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.tree import APPS, ROOT, files

_PURE = re.compile(r"\bPure\b(?! but)")
_CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
PURE_MODULES: list[str] = next(contract["source_modules"] for contract in _CONTRACTS if contract["id"] == "pure")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the tree at `root`; its exit code is what counts."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def unheld(modules: Iterable[tuple[str, str]], held: list[str]) -> list[str]:
    """Of (dotted name, source), the modules whose docstring says Pure though no contract holds them to it."""
    pure = [name for name, source in modules if _PURE.search(ast.get_docstring(ast.parse(source)) or "")]
    return [name for name in pure if not is_held(name, held)]


def is_held(module: str, held: list[str]) -> bool:
    """Whether a contract's list names the module or a package around it."""
    return any(f"{module}.".startswith(f"{name}.") for name in held)


def opens_addresses(source: str) -> bool:
    """Whether a module imports of urllib what goes to the network."""
    nodes = ast.walk(ast.parse(source))
    names = [
        f"{getattr(node, 'module', None) or ''}.{alias.name}".lstrip(".")
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    return any(name.startswith("urllib") and not name.startswith("urllib.parse") for name in names)


def _modules() -> list[tuple[str, str]]:
    named = {path: path.parent if path.name == "__init__.py" else path for path in files(".py", under=APPS)}
    return [
        (".".join(name.relative_to(ROOT).with_suffix("").parts), path.read_text("utf-8"))
        for path, name in named.items()
    ]


def test_every_contract_is_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


def test_every_module_that_calls_itself_pure_is_held_to_it() -> None:
    assert unheld(_modules(), PURE_MODULES) == []


def test_no_pure_module_opens_addresses() -> None:
    pure = [(name, source) for name, source in _modules() if is_held(name, PURE_MODULES)]
    assert pure
    assert [name for name, source in pure if opens_addresses(source)] == []


@pytest.mark.parametrize(
    ("crossing", "line", "contract"),
    [
        ("telemetry/contracts.py", "import routing", "Apps import downward only"),
        ("routing/__init__.py", "import telemetry.models", "Telemetry is entered by its facade"),
        ("routing/__init__.py", "import skills.models", "Skills is entered by its facade"),
        ("tloi_site/apps.py", "import routing.models", "Routing is entered by its facade"),
        ("telemetry/ledger/store.py", "import telemetry.facade", "Inside telemetry everything flows down"),
        ("telemetry/stray.py", "", "Inside telemetry everything flows down"),
        ("telemetry/usage.py", "import django", "Pure modules touch neither"),
        ("telemetry/sources/one.py", "import telemetry.sources.two", "Sources do not know each other"),
        ("telemetry/dashboards/panels/one.py", "import telemetry.dashboards.panels.two", "Panels do not know"),
    ],
)
def test_a_crossed_line_turns_its_contract_red(tmp_path: Path, crossing: str, line: str, contract: str) -> None:
    for path in [ROOT / "pyproject.toml", *files(".py", under=APPS)]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for new in ("skills/models", "routing/models", "telemetry/sources/two", "telemetry/dashboards/panels/two"):
        (tmp_path / f"{new}.py").touch()
    with (tmp_path / crossing).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert re.search(re.escape(contract) + r".* BROKEN", result.stdout)


def test_a_module_that_only_says_it_is_pure_is_found() -> None:
    samples = [("a.held", '"""Pure."""'), ("a.loose", '"""Sums. Pure; exact."""'), ("a.not", '"""Pure but for I/O."""')]
    assert unheld(samples, ["a.held"]) == ["a.loose"]
    assert unheld(samples, ["a"]) == []


def test_a_module_that_opens_addresses_is_found() -> None:
    assert opens_addresses("from urllib.request import urlopen")
    assert opens_addresses("from urllib import request")
    assert opens_addresses("import urllib.request")
    assert not opens_addresses("from urllib.parse import urlsplit")
