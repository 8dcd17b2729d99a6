"""Which files a source has: those that were named, and those inside folders that were named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from telemetry.importer.registry import LocalSource


class MissingPath(LookupError):
    """A file or folder that was asked for is not there."""


def files_of(source: LocalSource, paths: Iterable[Path]) -> list[Path]:
    """The files at and under `paths`, links resolved, each once, in the source's order. Raises MissingPath."""
    found = {file.resolve() for path in paths for file in _files(path.expanduser(), source.suffix)}
    return sorted(found, key=source.order)


def _files(path: Path, suffix: str) -> Iterator[Path]:
    """`path` itself where it is a file, whatever its suffix; else what lies under it with that suffix."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, _, names in os.walk(path):
            yield from (file for name in names if name.endswith(suffix) and (file := Path(folder, name)).is_file())
    else:
        raise MissingPath(f"There is no file or folder {path}.")
