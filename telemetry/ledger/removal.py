"""Removing a demo project with all that belongs to it. Nobody else's calls are ever deleted by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg import Connection, sql

from telemetry.ledger import dirty, told
from telemetry.ledger.sharding import CALLS, LOCAL_OF_PROJECTS, SHARDED
from telemetry.statements import statement

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class NotADemo(ValueError):
    """The project is not a demo, or there is none of that id."""


def remove_demo(conn: Connection[Any], *, project_id: int) -> int:
    """Delete a demo project, its calls and all other rows of it in one transaction. Returns how many calls it held.
    Raises NotADemo; then nothing is deleted."""
    with conn.transaction():
        lock_demo(conn, project_id=project_id)
        dirty.lock_folding(conn, project_id=project_id)  # else a fold that goes on would leave its rows behind
        dirty.lock_runs(conn, project_id=project_id)
        dirty.lock_judging(conn, project_id=project_id)
        calls = remove_calls(conn, project_id=project_id)
        for table in (*SHARDED, *LOCAL_OF_PROJECTS):
            if table != CALLS:
                remove_rows(conn, table, project_id=project_id)
        remove_project(conn, project_id=project_id)
    told.forget()
    return calls


def lock_demo(conn: Connection[Any], *, project_id: int) -> None:
    """Have a demo project for oneself until the transaction ends. Raises NotADemo."""
    if conn.execute(statement(__package__, "lock_demo"), {"project": project_id}).fetchone() is None:
        raise NotADemo("Only a demo project can be removed.")


def remove_calls(conn: Connection[Any], *, project_id: int) -> int:
    """Delete a project's calls; how many there were."""
    arguments = {"project": project_id, "start": _FIRST, "end": _LAST}
    return conn.execute(statement(__package__, "remove_calls"), arguments).rowcount


def remove_rows(conn: Connection[Any], table: str, *, project_id: int) -> None:
    """Delete what a table holds of a project."""
    removal = sql.SQL(statement(__package__, "remove_rows")).format(table=sql.Identifier(table))
    conn.execute(removal, {"project": project_id})


def remove_project(conn: Connection[Any], *, project_id: int) -> None:
    """Delete a project itself."""
    conn.execute(statement(__package__, "remove_project"), {"project": project_id})
