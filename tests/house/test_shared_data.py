"""A test module that reads the shared data says so, so that it can be skipped with a reason where that is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import files

_MARK = "pytest.mark.shared_data"
_READS = re.compile(r"shared/data|\bshared_data\b|\bSHARED_DATA\b|[\"']shared[\"']")


def unmarked(paths: list[Path]) -> list[Path]:
    """The test modules that read shared data and bear no mark."""
    sources = {path: path.read_text("utf-8") for path in paths if path.name.startswith("test_")}
    return [path for path, source in sources.items() if _MARK not in source and _READS.search(source)]


def test_every_module_that_reads_shared_data_is_marked() -> None:
    assert unmarked([path for path in files(".py", under=("tests",)) if path != Path(__file__)]) == []


@pytest.mark.parametrize("use", ["ROOT.parent / 'shared' / 'data'", '"../shared/data"', "def test_x(shared_data): ..."])
def test_an_unmarked_module_is_found(tmp_path: Path, use: str) -> None:
    sample = tmp_path / "test_sample.py"
    sample.write_text(f"{use}\n")
    assert unmarked([sample]) == [sample]
    sample.write_text(f"pytestmark = {_MARK}\n{use}\n")
    assert unmarked([sample]) == []
