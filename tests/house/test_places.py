"""The tree names neither a package registry nor a path of the machine it was written on: it must work anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import project_files

_REGISTRIES = r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian|docker\.io|ghcr\.io|quay\.io"
_MACHINE = r"(?<![\w.-])/(?:work|root|Users)/\w"
FORBIDDEN = re.compile(f"{_REGISTRIES}|{_MACHINE}")


def named_places(path: Path) -> list[str]:
    """The lines of a text file that name a place, as `path:line: the place`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    return [
        f"{path}:{number}: {place.group()}"
        for number, line in enumerate(lines, 1)
        for place in FORBIDDEN.finditer(line)
    ]


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    assert [place for path in project_files() for place in named_places(path)] == []


@pytest.mark.parametrize(
    "parts", [("https://", "pypi", ".org/simple"), ("http://deb", ".debian", ".org"), ("cd /", "work", "/main")]
)
def test_a_named_place_is_found(tmp_path: Path, parts: tuple[str, ...]) -> None:
    sample = tmp_path / "Dockerfile"
    sample.write_text("FROM python\nRUN " + "".join(parts) + "\n")
    assert len(named_places(sample)) == 1
