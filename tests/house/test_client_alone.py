"""The agents' SDK can be copied beside an agent: it imports the standard library only, and so does what holds it."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.house.tree import ROOT


def foreign_imports(source: str) -> list[str]:
    """What a module imports that does not come with Python."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append("." * node.level + (node.module or ""))
    return [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]


@pytest.mark.parametrize(
    "path",
    ["telemetry/__init__.py", "telemetry/client.py", "telemetry/client_prompts.py", "telemetry/client_skills.py"],
)
def test_the_sdk_imports_the_standard_library_only(path: str) -> None:
    assert foreign_imports((ROOT / path).read_text("utf-8")) == []


def test_a_foreign_import_is_found_wherever_it_stands() -> None:
    sample = (
        "import os.path\ndef late():\n    import django.db\n    from telemetry import usage\n    from . import sums\n"
    )
    assert foreign_imports(sample) == ["django.db", "telemetry", "."]
    assert foreign_imports("import json, http.client\nfrom urllib.request import Request") == []
