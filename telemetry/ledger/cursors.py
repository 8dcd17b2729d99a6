"""A cursor whose statements are prepared and that sends columns as they are (see arrays)."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from psycopg import Connection, Cursor
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format
from psycopg.rows import tuple_row

from telemetry.ledger.arrays import Int8s, Jsonbs, Moments, Texts, Uuids
from telemetry.statements import prepared


class _Array(Dumper):
    """Sends bytes as an array of a type."""

    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        """As it is."""
        return obj


def _dumper(name: str) -> type[Dumper]:
    return type(f"_{name}", (_Array,), {"oid": types[name].array_oid})


_DUMPERS = {
    Int8s: _dumper("int8"),
    Uuids: _dumper("uuid"),
    Moments: _dumper("timestamptz"),
    Texts: _dumper("text"),
    Jsonbs: _dumper("jsonb"),
}
_knowing: WeakSet[Connection[Any]] = WeakSet()


def sending_arrays(conn: Connection[Any]) -> Cursor[tuple[Any, ...]]:
    """A cursor of the connection, which learns to send arrays where it cannot yet."""
    if conn not in _knowing:
        for kind, dumper in _DUMPERS.items():
            conn.adapters.register_dumper(kind, dumper)
        _knowing.add(conn)
    return prepared(conn, tuple_row)
