"""Which files a source has, where they were looked for, and what could not be seen there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from telemetry.importer.reading import path_key
from telemetry.importer.registry import LocalSource
from telemetry.importer.report import many

_MISSING = "not there"


class MissingPath(LookupError):
    """A file or folder that was asked for is not there."""


@dataclass(frozen=True, slots=True)
class Find:
    """The files of a source, the places that were looked into, and those that could not be: each with the reason."""

    source: LocalSource
    files: tuple[Path, ...]
    seen: tuple[Path, ...]
    unseen: Mapping[Path, str]
    variable: str = ""  # what the source's variable is set to, where it decided

    def sentence(self) -> str:
        """One line: how many files there are and where, and what could not be seen."""
        said = f"{self.source.title}: {many(len(self.files), 'file') if self.files else 'no files'}"
        if self.seen:
            said += f" in {', '.join(map(path_key, self.seen))}"
        for path, reason in self.unseen.items():
            said += f"; {path_key(path)}: {reason}"
        if self.variable:
            said += f"; {self.source.variable} is {self.variable!r}"
        elif not self.files:
            said += f"; {self.source.variable} changes where to look, or name a PATH"
        return said


def find(source: LocalSource, *, named: Sequence[Path], environment: Mapping[str, str], home: Path) -> Find:
    """The files at and under `named`, else under the usual folders, links resolved, each once, in the source's order.
    A usual folder may be missing; what was named may not. Raises MissingPath."""
    unseen: dict[Path, str] = {}
    seen: list[Path] = []
    found: set[Path] = set()
    for path in named or source.folders(environment, home):
        place = path.expanduser()
        if reason := _hidden(place):
            if named and reason == _MISSING:
                raise MissingPath(f"There is no file or folder {place}.")
            unseen[place] = reason
            continue
        seen.append(place)
        found.update(_resolved(source, place, unseen))
    said = "" if named else environment.get(source.variable, "").strip()
    return Find(source, tuple(sorted(found, key=source.order)), tuple(seen), unseen, said)


def files_of(source: LocalSource, paths: Iterable[Path]) -> list[Path]:
    """The files at and under `paths`. Raises MissingPath."""
    return list(find(source, named=list(paths), environment={}, home=Path()).files)


def _hidden(place: Path) -> str:
    """Why a place cannot be looked into, or "" where it can."""
    try:
        place.stat()
        if place.is_dir():
            next(place.iterdir(), None)
    except FileNotFoundError:
        return _MISSING
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return ""


def _resolved(source: LocalSource, place: Path, unseen: dict[Path, str]) -> Iterator[Path]:
    """`place` itself where it is a file, whatever its name; else what lies under it and is the source's."""
    if place.is_file():
        yield place.resolve()
        return

    def note(error: OSError) -> None:
        unseen[Path(error.filename)] = f"cannot be read ({error.strerror or error})"

    for folder, _, names in os.walk(place, onerror=note):
        for file in (Path(folder, name) for name in names):
            if source.matches(file) and file.is_file():
                yield file.resolve()
