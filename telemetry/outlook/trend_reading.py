"""What was said of days, read by what pages, reports and alerts ask: of one series, or whatever was unusual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row

from telemetry.outlook.verdicts import Verdict
from telemetry.statements import statement

_COLUMNS = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(Verdict))


def verdicts_of_series(
    conn: Connection[Any], *, project_id: int, dimension: str, name: str, first: date, last: date
) -> list[Verdict]:
    """What was said of a series on days, both inclusive, the oldest first."""
    asked = {"project": project_id, "dimension": dimension, "name": name, "first": first, "last": last}
    return _verdicts(conn, statement(__package__, "verdicts_of_series"), asked)


def flagged_verdicts(conn: Connection[Any], *, project_id: int, first: date, last: date, limit: int) -> list[Verdict]:
    """What was unusual on days, both inclusive: what people are told first, then what others explain, the dearest
    first."""
    asked = {"project": project_id, "first": first, "last": last, "limit": limit}
    return _verdicts(conn, statement(__package__, "flagged_verdicts"), asked)


def risen_verdicts(conn: Connection[Any], *, project_id: int, first: date, last: date, limit: int) -> list[Verdict]:
    """What was unusually high on the newest judged day between two, both inclusive, the dearest first."""
    asked = {"project": project_id, "first": first, "last": last, "limit": limit}
    return _verdicts(conn, statement(__package__, "risen_verdicts"), asked)


def verdict_counts(conn: Connection[Any], *, project_id: int, first: date, last: date) -> dict[str, int]:
    """How many verdicts of each state days have, both inclusive; none of days that nobody judged."""
    asked = {"project": project_id, "first": first, "last": last}
    return dict(conn.execute(statement(__package__, "verdict_counts"), asked).fetchall())


def _verdicts(conn: Connection[Any], text: LiteralString, asked: Mapping[str, Any]) -> list[Verdict]:
    with conn.cursor(row_factory=class_row(Verdict)) as cursor:
        return cursor.execute(sql.SQL(text).format(columns=_COLUMNS), asked).fetchall()
