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
    found = {file.resolve() for path in paths for file in _files(path.expanduser(), source)}
    return sorted(found, key=source.order)


def _files(path: Path, source: LocalSource) -> Iterator[Path]:
    """`path` itself where it is a file, whatever its name; else the source's files under it."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, _, names in os.walk(path):
            found = (Path(folder, name) for name in names)
            yield from (file for file in found if source.matches(file) and file.is_file())
    else:
        raise MissingPath(f"There is no file or folder {path}.")
