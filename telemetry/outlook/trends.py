"""TRENDS: what each day of a project's series was against the days before it."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from telemetry.outlook.verdicts import Verdict
from telemetry.statements import statement

_COLUMNS = tuple(field.name for field in fields(Verdict))


def read(conn: Connection[Any], *, project_id: int, start: date, end: date) -> list[Verdict]:
    """What was said of the local days from `start` to `end`, both inclusive; of each day the dearest series first."""
    return verdicts_between(conn, project_id=project_id, first=start, last=end)


def verdicts_between(conn: Connection[Any], *, project_id: int, first: date, last: date) -> list[Verdict]:
    """What was said of days, both inclusive."""
    query = sql.SQL(statement(__package__, "verdicts_between")).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    )
    with conn.cursor(row_factory=class_row(Verdict)) as cursor:
        return cursor.execute(query, {"project": project_id, "first": first, "last": last}).fetchall()
