"""A day of the invented team again, whole weeks later: its sessions under other names, with all their runs and calls.

PostgreSQL copies a call in a tenth of the time in which one is invented, and sums up one as it does the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg import Connection

from benchmarks import scale_fill

_MOMENTS = ("started_at", "received_at", "called_from_at", "called_to_at", "last_call_at")
_NAMES = ("session_id", "execution_id")
_BEGAN = "WHERE {table}.project_id = %(project)s AND {table}.started_at >= %(start)s AND {table}.started_at < %(end)s"


def again(conn: Connection[Any], *, project_id: int, pattern: date, day: date) -> None:
    """Write what began on `day` as what began on `pattern`, some weeks before it, whose calls must be there."""
    start = datetime.combine(pattern, time(), UTC)
    values = {
        "project": project_id,
        "start": start,
        "end": start + timedelta(days=1),
        "after": start + timedelta(days=2),
        "later": day - pattern,
        "salt": str(day),
    }
    calls = _copied("telemetry_call", scale_fill.CALL_COLUMNS)
    began = _BEGAN.format(table="telemetry_session")
    with conn.transaction():
        conn.execute(
            f"{calls} JOIN telemetry_session USING (project_id, session_id) {began}"
            " AND telemetry_call.project_id = %(project)s AND telemetry_call.started_at >= %(start)s"
            " AND telemetry_call.started_at < %(after)s".encode(),
            values,
        )
        for table, columns in (
            ("telemetry_session", scale_fill.SESSION_COLUMNS),
            ("telemetry_execution", scale_fill.EXECUTION_COLUMNS),
        ):
            conn.execute(f"{_copied(table, columns)} {_BEGAN.format(table=table)}".encode(), values)


def _copied(table: str, columns: Sequence[str]) -> str:
    into, values = ", ".join(columns), ", ".join(_value(table, one) for one in columns)
    return f"INSERT INTO {table} ({into}) SELECT {values} FROM {table}"  # noqa: S608  all of it is written here


def _value(table: str, column: str) -> str:
    """A column of the copy: moments later, names others, all else as it is."""
    if column in _MOMENTS:
        return f"{table}.{column} + %(later)s"
    if column in _NAMES:
        return f"left(md5({table}.{column} || %(salt)s), 8) || substr({table}.{column}, 9)"
    return f"{table}.{column}"
