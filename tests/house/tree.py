"""The project's files as git sees them: tracked, or new and not ignored."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("tloi_site", "telemetry", "routing", "skills")


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project, absolute, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in sorted(filter(None, listed.split("\0"))) if (path := ROOT / name).is_file())


def files(*suffixes: str, under: Iterable[str] = ("",)) -> list[Path]:
    """The project's files that end in one of `suffixes`, in one of the top-level folders `under` (all by default)."""
    folders = [ROOT / folder for folder in under]
    return [
        path
        for path in project_files()
        if path.name.endswith(suffixes) and any(path.is_relative_to(folder) for folder in folders)
    ]


def is_migration(path: Path) -> bool:
    """Django writes migrations; the house only reads them."""
    return path.parent.name == "migrations"
