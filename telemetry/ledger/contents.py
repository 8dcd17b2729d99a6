"""What a database holds, so that two can be compared: of every table how many rows and which, and the sums of calls.

A digest is taken of each row's text under fixed settings and added up, so that neither the order of rows nor the
version of the server matters. SHA-256, not `hashtext`, whose results no documentation promises to keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from telemetry.statements import statement

SUMMED: Mapping[str, tuple[str, ...]] = {
    "telemetry_call": (
        "input_uncached",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "cache_write_unknown",
        "output",
        "reasoning",
        "cost_reported_nanousd",
        "cost_computed_nanousd",
    )
}
_PEOPLE_WROTE = ("telemetry_project", "telemetry_call", "auth_user")  # what no migration fills
_AS_TEXT = {"TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "extra_float_digits": "1"}


@dataclass(frozen=True, slots=True)
class TableContents:
    """`digest` is the sum over all rows, of any size; `sums` those of the columns in SUMMED."""

    rows: int
    digest: int
    sums: Mapping[str, int] = field(default_factory=dict)


class PartitionLeaving(RuntimeError):
    """A partition is being detached; a dump would bring it back with rows that a count of the table leaves out."""


def hold_partitions(conn: Connection[Any]) -> None:
    """Keep the partitions as they are until the transaction ends, of which this is the first statement: its snapshot is
    taken under the lock. Raises PartitionLeaving."""
    conn.execute("LOCK TABLE telemetry_call IN ACCESS SHARE MODE")
    if conn.execute("SELECT FROM pg_inherits WHERE inhdetachpending").fetchone() is not None:
        raise PartitionLeaving


def contents(conn: Connection[Any]) -> dict[str, TableContents]:
    """Every table by its name. One snapshot only where the transaction has one (REPEATABLE READ)."""
    with conn.transaction():
        for name, value in {**_AS_TEXT, "bytea_output": "hex", "statement_timeout": "0"}.items():
            conn.execute("SELECT set_config(%s, %s, true)", (name, value))
        return {_name(schema, table): _table_contents(conn, schema, table) for schema, table in _own_tables(conn)}


def is_empty(conn: Connection[Any]) -> bool:
    """Whether nobody has used this database yet: there are no projects, calls and people, or not even the tables."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        there = [name for schema, name in _own_tables(conn) if _name(schema, name) in _PEOPLE_WROTE]
        exist = sql.SQL("SELECT EXISTS (SELECT FROM {})")
        return not any(cursor.execute(exist.format(sql.Identifier(name))).fetchone() == (True,) for name in there)


def _own_tables(conn: Connection[Any]) -> list[tuple[str, str]]:
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "own_tables")).fetchall()


def _table_contents(conn: Connection[Any], schema: str, table: str) -> TableContents:
    columns = SUMMED.get(_name(schema, table), ())
    sums = sql.SQL("").join(sql.SQL(", coalesce(sum({}), 0)").format(sql.Identifier(name)) for name in columns)
    query = sql.SQL(statement(__package__, "table_contents")).format(sums=sums, table=sql.Identifier(schema, table))
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows, digest, *values = map(int, cursor.execute(query).fetchone() or ())
    return TableContents(rows, digest, dict(zip(columns, values, strict=True)))


def _name(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"
