"""Reads a local file on from its bookmark: step by step, each with the bookmark that holds once the step is stored.

Who stores is another's business: the database (`importing.py`) or a server elsewhere (`sending.py`); so nothing here
needs Django or PostgreSQL.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from telemetry.importer import databases
from telemetry.importer.lines import fingerprint, whole_lines
from telemetry.importer.registry import LocalSource
from telemetry.sources import Reading

MAX_DOCUMENT = 256 * 2**20


class CannotRead(ValueError):
    """A file that can be opened but not read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """How far a file has been read. Of lines: the bytes before `offset`, and `state` is the source's. Of a file that
    is read whole: all that it held when its `fingerprint` was taken. Either brought `calls` records. `found_at` is
    the offset that the database holds, which differs where the file has to be read anew."""

    offset: int = 0
    fingerprint: bytes = b""
    calls: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    found_at: int = 0

    def in_file(self, file: BinaryIO, size: int) -> Bookmark:
        """This bookmark, or one at the beginning where `file` no longer begins with what was read."""
        fits = self.offset <= size and fingerprint(file, self.offset) == self.fingerprint
        return self if fits else replace(self, offset=0, fingerprint=b"", state={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step read, and the bookmark after it; `size` is the file's, `too_long` lines were passed over."""

    reading: Reading
    bookmark: Bookmark
    size: int
    too_long: int = 0


def path_key(path: Path) -> str:
    """A path as a text that can be kept and printed, whatever bytes its name is made of."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def steps(
    source: LocalSource, path: Path, mark: Bookmark, *, host: str, progress: Callable[[int], None]
) -> Iterator[Step]:
    """Read what is new in `path`; no step where nothing is. `progress` is told how many bytes were done, before they
    are stored. Raises OSError and CannotRead; the steps before are good."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if source.read_rows is not None and file.read(len(databases.MAGIC)) == databases.MAGIC:
            yield from _rows(source, path, mark, host=host)
            progress(size)
        elif source.read_document is not None and (source.read is None or path.suffix != ".jsonl"):
            file.seek(0)
            yield from _document(source, path, file, mark, host=host)
            progress(size)
        else:
            yield from _lines(source, path, file, mark.in_file(file, size), host=host, progress=progress)


def _lines(
    source: LocalSource, path: Path, file: BinaryIO, mark: Bookmark, *, host: str, progress: Callable[[int], None]
) -> Iterator[Step]:
    if source.read is None:
        raise CannotRead(f"not a file of {source.title}")
    size = os.fstat(file.fileno()).st_size
    progress(mark.offset)
    for piece in whole_lines(file, mark.offset):
        reading = source.read(piece.lines, file_name=path.name, host=host, state=mark.state)
        progress(piece.end - mark.offset)
        seal = fingerprint(file, piece.end)
        mark = replace(mark, offset=piece.end, fingerprint=seal, state=dict(reading.state))
        yield Step(reading=reading, bookmark=mark, size=max(size, piece.end), too_long=piece.too_long)
    progress(max(0, size - mark.offset))


def _document(source: LocalSource, path: Path, file: BinaryIO, mark: Bookmark, *, host: str) -> Iterator[Step]:
    seal = _seal(path)
    if source.read_document is None or seal == mark.fingerprint:
        return
    data = file.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise CannotRead(f"longer than {MAX_DOCUMENT >> 20} MiB")
    reading = source.read_document(data, file_name=path.name, host=host)
    held = 0 if source.brings == "execution" else mark.calls  # executions change, calls only come
    after = replace(mark, offset=len(data), fingerprint=seal, calls=held)
    yield Step(reading=reading, bookmark=after, size=len(data))


def _rows(source: LocalSource, path: Path, mark: Bookmark, *, host: str) -> Iterator[Step]:
    """Every page of rows is stored, but the bookmark moves with the last: a reading cut short is begun anew."""
    seal, size = _seal(path), path.stat().st_size
    if source.read_rows is None or source.rows is None or seal == mark.fingerprint:
        return
    state: dict[str, Any] = {}
    try:
        with databases.opened(path) as conn:
            for rows in source.rows(conn):
                reading = source.read_rows(rows, file_name=path.name, host=host, state=state)
                state = dict(reading.state)
                yield Step(reading=reading, bookmark=mark, size=size)
    except databases.DatabaseError as error:
        raise CannotRead(str(error)) from error
    yield Step(reading=Reading(), bookmark=replace(mark, offset=size, fingerprint=seal), size=size)


def stamps(path: Path) -> list[tuple[int, int]]:
    """Size and time of a file, and of what SQLite has not yet written into it (`-wal`; an empty one, which reading
    leaves behind, is none). Raises OSError where the file is not there."""
    found = [path.stat()]
    with contextlib.suppress(OSError):
        log = path.with_name(path.name + "-wal").stat()
        found += [log] if log.st_size else []
    return [(part.st_size, part.st_mtime_ns) for part in found]


def _seal(path: Path) -> bytes:
    return hashlib.sha256(repr(stamps(path)).encode()).digest()
