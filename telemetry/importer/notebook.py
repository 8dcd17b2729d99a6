"""How far this machine's files have been sent: one JSON file for each server and key, replaced as a whole.

It lies in TLOI_DATA_DIR, else in `.tloi` at home. One that is lost or damaged costs time and nothing else: what was
sent before is sent again, and the server counts it once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from telemetry.importer.reading import Bookmark, path_key


class _Line(Struct, omit_defaults=True):
    """A bookmark as the file keeps it."""

    offset: int = 0
    fingerprint: bytes = b""
    calls: int = 0
    state: dict[str, Any] = msgspec.field(default_factory=dict)


_Book = dict[str, dict[str, _Line]]  # by source, by path


def folder(environment: Mapping[str, str], home: Path) -> Path:
    """Where notebooks lie."""
    named = environment.get("TLOI_DATA_DIR", "").strip()
    return Path(named).expanduser() if named else home / ".tloi"


class Notebook:
    """The bookmarks of what was sent to one server with one key, which stands for a project there."""

    def __init__(self, directory: Path, *, url: str, key: str) -> None:
        name = hashlib.sha256(f"{url.rstrip('/')}\n{key}".encode()).hexdigest()[:16]
        self._path = directory / f"sent-{name}.json"
        self._book: _Book = {}
        with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            self._book = msgspec.json.decode(self._path.read_bytes(), type=_Book)

    def bookmark(self, source: str, path: Path) -> Bookmark:
        """How far a file has been sent."""
        line = self._book.get(source, {}).get(path_key(path), _Line())
        return Bookmark(**msgspec.structs.asdict(line))

    def put(self, source: str, path: Path, mark: Bookmark) -> None:
        """Note a file's new bookmark; `save` keeps it."""
        line = _Line(mark.offset, mark.fingerprint, mark.calls, mark.state)
        self._book.setdefault(source, {})[path_key(path)] = line

    def save(self) -> None:
        """Write the notebook anew. Raises OSError where that cannot be done."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=self._path.parent, prefix=".sent-")
        with os.fdopen(number, "wb") as file:
            file.write(msgspec.json.encode(self._book))
        Path(name).replace(self._path)
