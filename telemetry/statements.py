"""Named SQL: one statement, one file `sql/<name>.sql`, one function of the same name that runs it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

if TYPE_CHECKING:
    from psycopg import Connection, Cursor
    from psycopg.rows import RowFactory

Row = TypeVar("Row")


@cache
def statement(package: str, name: str) -> LiteralString:
    """The text of `<package>/sql/<name>.sql`. Raises FileNotFoundError.

    >>> statement("telemetry.series", "usage_by")
    """
    return (files(package) / "sql" / f"{name}.sql").read_text("utf-8")


def array(values: Iterable[object]) -> str:
    """An array as PostgreSQL reads it, for an argument whose type the statement says: of texts, truth, numbers, ids,
    times and bytes, with None among them. psycopg takes ten times as long for a list, as it looks what is in it."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", r"\\").replace('"', r"\"") + '"'
    if isinstance(value, bytes):
        return rf'"\\x{value.hex()}"'
    if value is None:
        return "NULL"
    return str(value)  # True and False too


def prepared(conn: Connection[Any], row_factory: RowFactory[Row]) -> Cursor[Row]:
    """A cursor whose statements PostgreSQL keeps prepared. Django's own cursors send each anew, parameters and all."""
    from psycopg import Cursor  # noqa: PLC0415 (a machine that only reads files and sends has none)

    return Cursor(conn, row_factory=row_factory)
