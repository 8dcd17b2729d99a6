"""What reads calls or identities names one project, and for calls a range of time, both as constants.

A plan made without statistics then never looks into more than the partitions it needs, and no statement can see
another project's rows. Such statements live in `.sql` files only, so that this check sees them all.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import APPS, ROOT, files, is_migration

_TABLE = r"(?:\bFROM|\bJOIN|\bUPDATE|\bUSING|,)\s+(?:ONLY\s+)?"
_CALLS = re.compile(_TABLE + r"telemetry_call\b(?!_)", re.IGNORECASE)
_IDENTITIES = re.compile(_TABLE + r"telemetry_identity\b", re.IGNORECASE)
_PROJECT = re.compile(r"\bproject_id\s*=\s*%\(", re.IGNORECASE)
_LOWER = re.compile(r"\bstarted_at\s*(?:=|>=|>)\s*%\(", re.IGNORECASE)
_UPPER = re.compile(r"\bstarted_at\s*(?:=|<=|<)\s*%\(", re.IGNORECASE)
_INLINE = re.compile(r"(?:\bFROM|\bJOIN|\bUPDATE|\bINTO|\bCOPY)\s+telemetry_(?:call|identity)\b", re.IGNORECASE)


def unbounded(text: str) -> list[str]:
    """What a statement's text lacks: each table it reads asks for its own constants."""
    code = re.sub(r"--.*", "", text)
    calls, identities = len(_CALLS.findall(code)), len(_IDENTITIES.findall(code))
    wanted = {
        "project_id = a constant": (_PROJECT, calls + identities),
        "started_at from a constant": (_LOWER, calls),
        "started_at up to a constant": (_UPPER, calls),
    }
    return [what for what, (pattern, count) in wanted.items() if len(pattern.findall(code)) < count]


def inline_statements(source: str) -> list[str]:
    """The strings of a module that read or write calls or identities."""
    constants = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return [value for value in constants if isinstance(value, str) and _INLINE.search(value)]


@pytest.mark.parametrize("path", files(".sql"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_statement_bounds_every_table_of_calls_that_it_reads(path: Path) -> None:
    assert unbounded(path.read_text("utf-8")) == []


def test_no_module_carries_a_statement_on_calls_in_a_string() -> None:
    modules = [path for path in files(".py", under=APPS) if not is_migration(path)]
    assert {path: found for path in modules if (found := inline_statements(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("SELECT 1 FROM telemetry_call -- WHERE project_id = %(p)s AND started_at = %(t)s", 3),
        ("SELECT 1 FROM telemetry_call WHERE project_id = %(p)s AND started_at >= %(t)s", 1),
        ("SELECT 1 FROM telemetry_call WHERE started_at >= %(a)s AND started_at < %(b)s", 1),
        ("SELECT 1 FROM telemetry_identity i JOIN telemetry_call c ON c.started_at = i.started_at", 3),
        ("SELECT 1 FROM x, telemetry_call WHERE project_id = x.p AND started_at = x.t", 3),
        ("DELETE FROM telemetry_identity WHERE id = %(id)s", 1),
        ("UPDATE telemetry_call SET output = 1 FROM (SELECT 1 FROM telemetry_call) WHERE project_id = %(p)s", 3),
    ],
)
def test_a_statement_without_its_bounds_is_found(text: str, lacks: int) -> None:
    assert len(unbounded(text)) == lacks


def test_a_statement_in_a_string_is_found() -> None:
    assert len(inline_statements('QUERY = "SELECT sum(output) FROM telemetry_call WHERE true"')) == 1
    assert inline_statements('NAME = "telemetry_call"') == []
