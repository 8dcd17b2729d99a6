"""How far each file has been read: one row a file, moved in the transaction that stores what was read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from telemetry.importer.reading import Bookmark, path_key
from telemetry.statements import statement


class Overtaken(RuntimeError):
    """Another import reads this file at the same time, and is ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose files they are: a source's, on one machine, in one project."""

    project_id: int
    source: str
    host: str


def bookmarks(conn: Connection[Any], *, origin: Origin) -> dict[str, Bookmark]:
    """By `path_key`, the bookmarks of all files that were read."""
    arguments = {"project": origin.project_id, "source": origin.source, "host": origin.host}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "bookmarks"), arguments).fetchall()
    return {
        path: Bookmark(offset=offset, fingerprint=bytes(mark), found_at=offset, **msgspec.json.decode(state))
        for path, offset, mark, state in rows
    }


def move_bookmark(
    conn: Connection[Any], *, origin: Origin, path: Path, size: int, bookmark: Bookmark, now: datetime
) -> Bookmark:
    """Store a file's new bookmark; what comes back is what the database then holds. Raises Overtaken."""
    arguments = {
        "project": origin.project_id,
        "source": origin.source,
        "host": origin.host,
        "path": path_key(path),
        "size": size,
        "offset": bookmark.offset,
        "fingerprint": bookmark.fingerprint,
        "state": Jsonb({"calls": bookmark.calls, "state": bookmark.state}),
        "now": now,
        "found_at": bookmark.found_at,
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        if cursor.execute(statement(__package__, "move_bookmark"), arguments).fetchone() is None:
            raise Overtaken(str(path))
    return replace(bookmark, found_at=bookmark.offset)
