"""SQLite databases of agents: opened without writing into them, and what is selected from them, page by page.

A page is a statement of its own, so that no snapshot is held while a page is stored or sent, which would keep the
agent's write-ahead log from being cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from telemetry.statements import statement

MAGIC = b"SQLite format 3\0"
PAGE = 2_000
_WAIT_S = 5.0
_UNWRITABLE = frozenset({"SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_READONLY_CANTINIT", "SQLITE_READONLY_DIRECTORY"})
DatabaseError = sqlite3.Error


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, read-only; SQLite may leave an empty log beside it, which whoever writes next takes up. In a
    folder that cannot be written SQLite opens one with a log only as `immutable`, which leaves the log unread; so
    that is done only where there is none. Raises DatabaseError."""
    address = path.absolute().as_uri()
    try:
        conn = _connected(f"{address}?mode=ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname not in _UNWRITABLE or any(_is_filled(path, end) for end in ("-wal", "-journal")):
            raise
        conn = _connected(f"{address}?mode=ro&immutable=1")
    with closing(conn):
        yield conn


def _is_filled(path: Path, end: str) -> bool:
    """Whether SQLite's file beside `path` holds what is not yet in it."""
    beside = path.with_name(path.name + end)
    return beside.exists() and beside.stat().st_size > 0


def _connected(address: str) -> sqlite3.Connection:
    conn = sqlite3.connect(address, uri=True, timeout=_WAIT_S)
    try:
        conn.row_factory = sqlite3.Row
        conn.execute("PRAGMA query_only = 1")
        conn.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error:
        conn.close()
        raise
    return conn


def opencode_rows(conn: sqlite3.Connection) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Messages of opencode, oldest id first, those of its first version before those of its second: `id`,
    `session_id`, `root_id` (the session that a sub-agent's session belongs to), and `data`, a JSON text."""
    tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    roots = _roots(opencode_parents(conn)) if "session" in tables else {}
    for table, page_of in (("message", opencode_messages), ("session_message", opencode_session_messages)):
        after = ""
        while table in tables and (page := page_of(conn, after=after)):
            after = page[-1]["id"]
            yield [{**row, "root_id": roots.get(row["session_id"], row["session_id"])} for row in map(dict, page)]


def opencode_messages(conn: sqlite3.Connection, *, after: str) -> list[sqlite3.Row]:
    """A page of the table `message`, from the id after `after` on."""
    return conn.execute(statement(__package__, "opencode_messages"), {"after": after, "page": PAGE}).fetchall()


def opencode_session_messages(conn: sqlite3.Connection, *, after: str) -> list[sqlite3.Row]:
    """A page of the table `session_message`, from the id after `after` on."""
    return conn.execute(statement(__package__, "opencode_session_messages"), {"after": after, "page": PAGE}).fetchall()


def opencode_parents(conn: sqlite3.Connection) -> dict[str, str]:
    """Which session each sub-agent's session was begun by."""
    return {row["id"]: row["parent_id"] for row in conn.execute(statement(__package__, "opencode_parents"))}


def _roots(parents: Mapping[str, str]) -> dict[str, str]:
    """The first session above each; a circle ends where it closes."""
    roots = {}
    for child in parents:
        root, seen = child, {child}
        while (above := parents.get(root)) is not None and above not in seen:
            root = above
            seen.add(above)
        roots[child] = root
    return roots
