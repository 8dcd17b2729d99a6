"""No test empties the database that it shares: what migrations put there, such as tiers, would not come back."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import files

_EMPTIES = re.compile(
    r"\btransactional_db\b|django_db\([^)]*transaction\s*=\s*True|\bTransactionTestCase\b|\blive_server\b"
)


def emptying(source: str) -> list[str]:
    """What in a module makes pytest-django empty all tables after a test."""
    return _EMPTIES.findall(source)


def test_no_test_empties_the_database() -> None:
    here = [path for path in files(".py", under=["tests"]) if path.name != "test_shared_rows.py"]
    assert [f"{path.name}: {found}" for path in here for found in emptying(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        '@pytest.mark.usefixtures("transactional_db")',
        "pytestmark = pytest.mark.django_db(transaction=True)",
        '@pytest.mark.django_db(databases=["default"], transaction = True)',
        "class Case(TransactionTestCase):",
    ],
)
def test_what_empties_it_is_found(source: str) -> None:
    assert len(emptying(source)) == 1
