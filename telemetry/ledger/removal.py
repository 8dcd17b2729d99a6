"""Removing a demo project with all that belongs to it. Nobody else's calls are ever deleted by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row

from telemetry.statements import statement

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class NotADemo(ValueError):
    """The project is not a demo, or there is none of that id."""


def remove_demo(conn: Connection[Any], *, project_id: int) -> int:
    """Delete a demo project, its calls and all other rows of it in one statement. Returns how many calls it held.
    Raises NotADemo; then nothing is deleted."""
    arguments = {"project": project_id, "start": _FIRST, "end": _LAST}
    with conn.cursor(row_factory=scalar_row) as cursor:
        calls = cursor.execute(statement(__package__, "remove_demo"), arguments).fetchone()
    if calls is None:
        raise NotADemo("Only a demo project can be removed.")
    return int(calls)
