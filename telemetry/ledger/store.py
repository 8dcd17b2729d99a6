"""The statements that write calls: by columns where all is new, a claim where something is known already.

The identity row decides in which partition a call lives; both are written in one transaction. Rows are sorted by id
and lock classes are taken in one order, session's lock → identity → other names → execution → calls → session, so that
concurrent batches that overlap wait for each other and never deadlock. Source: sql.md §1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec.structs import astuple
from psycopg import Connection, sql
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from telemetry.ledger.arrays import int8s, moments, uuids
from telemetry.ledger.cursors import sending_arrays
from telemetry.ledger.rows import (
    CALL_COLUMNS,
    Entry,
    Fields,
    alike,
    array_of,
    columns_of,
    cost_rank,
    fields_of,
    picked_of,
    type_of,
)
from telemetry.statements import prepared, statement
from telemetry.usage import quality_bits

SUSPECT = quality_bits(["output_suspect"])


class Moved(RuntimeError):
    """A call is no longer where its identity said: it became part of another meanwhile, or has expired."""


_encode_json = msgspec.json.encode
_SHARED = ("project_id", "source", "received_at")
_MANY = 20  # so few entries are written by one statement, whatever they have alike


Place = tuple[bytes, datetime]  # the id of a call, and the `started_at` under which it lives


@dataclass(slots=True)
class Claimed:
    """An entry whose identity is claimed: the call that it belongs to, where that lives, and whether it is new."""

    entry: Entry
    call_id: bytes
    started_at: datetime
    is_fresh: bool


def write_identities(conn: Connection[Any], *, project_id: int, entries: Sequence[Entry]) -> None:
    """Claim identities that are all new. `entries` must be sorted by id, each id once. Raises UniqueViolation where
    one is known; then the transaction is over."""
    if entries:
        arguments = {"project": project_id, **_identities(entries)}
        sending_arrays(conn).execute(statement(__package__, "write_identities"), arguments)


def claim_identities(conn: Connection[Any], *, project_id: int, entries: Sequence[Entry]) -> list[Claimed]:
    """Claim identities; what comes back is new or brings something, the others are left out. `entries` must be sorted
    by id, each id once."""
    if not entries:
        return []
    arguments = {"project": project_id, **_identities(entries)}
    by_id = {entry.id: entry for entry in entries}
    with sending_arrays(conn) as cursor:
        rows = cursor.execute(statement(__package__, "claim_identities"), arguments).fetchall()
    return [
        Claimed(by_id[one.bytes], call_id.bytes, started_at, is_fresh) for one, call_id, started_at, is_fresh in rows
    ]


def write_calls(
    conn: Connection[Any],
    entries: Sequence[Entry],
    fields: Fields | None = None,
    *,
    project_id: int,
    source: str,
    now: datetime,
) -> None:
    """Write new calls; `fields` are theirs, where they are there by column already. Their identities are claimed in
    this transaction already, so none can be there."""
    if not entries:
        return
    fields = fields_of(entry.call for entry in entries) if fields is None else fields
    columns = columns_of(entries, fields, project_id=project_id, source=source, now=now)
    shared = [name for name, column in columns.items() if alike(column)] if len(entries) >= _MANY else list(_SHARED)
    arguments = {name: array_of(name, column) for name, column in columns.items() if name not in shared}
    arguments |= {name: _plain(columns[name][0]) for name in shared}
    sending_arrays(conn).execute(_writing(statement(__package__, "write_calls"), tuple(shared)), arguments)


@lru_cache(maxsize=256)
def _writing(template: LiteralString, shared: tuple[str, ...]) -> bytes:
    """write_calls.sql for columns of which some have one value for all calls."""
    values = [
        sql.SQL("{}::{}" if name in shared else "unnest({}::{}[])").format(
            sql.Placeholder(name), sql.SQL(type_of(name))
        )
        for name in CALL_COLUMNS
    ]
    names = sql.SQL(", ").join(map(sql.Identifier, CALL_COLUMNS))
    parts = {"columns": names, "values": sql.SQL(", ").join(values)}
    return sql.SQL(template).format(**parts).as_bytes()


def _plain(value: Any) -> Any:
    """A number as a text, for else its size would decide as which type it is sent, and each would be a statement."""
    return str(value) if isinstance(value, int) else value.decode() if isinstance(value, bytes) else value


def _identities(entries: Sequence[Entry]) -> dict[str, bytes]:
    """What identities of calls are, by column."""
    ids, calls, usage, cost, fields, *_ = zip(*map(astuple, entries), strict=True)
    return {
        "ids": uuids(ids),
        "moments": moments([call.started_at for call in calls]),
        "usage": int8s(usage),
        "cost": int8s(cost),
        "fields": int8s(fields),
    }


def call_row(entry: Entry, project_id: int, source: str, now: datetime) -> tuple[Any, ...]:
    """An entry in the order of CALL_COLUMNS, as COPY writes it."""
    call = entry.call
    reported, attributes = entry.reported, call.attributes
    return (
        project_id,
        entry.id,
        now,
        source,
        reported,
        entry.computed,
        "" if reported is None else call.cost_kind,
        entry.price_version,
        quality_bits(call.quality) if call.quality else 0,
        *picked_of(astuple(call)),
        Jsonb(attributes, _encode_json) if attributes else None,
    )


def merge_entries(
    conn: Connection[Any], *, project_id: int, claimed: Sequence[Claimed], source: str, now: datetime
) -> None:
    """Merge copies into calls that are there, in order of those. Raises Moved."""
    if claimed:
        rows = [
            dict(zip(CALL_COLUMNS, call_row(one.entry, project_id, source, now), strict=True))
            | {"id": UUID(bytes=one.call_id), "started_at": one.started_at}
            for one in sorted(claimed, key=attrgetter("call_id"))
        ]
        merge_calls(conn, rows)


def merge_calls(conn: Connection[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Merge rows of calls into those that are there: the fuller usage, the better cost, labels that were empty. Raises
    Moved where one is not there."""
    arguments = [
        {
            **row,
            "cost_rank": cost_rank(row["cost_kind"], row["cost_reported_nanousd"]),
            "attributes": Jsonb(row["attributes"]) if isinstance(row["attributes"], dict) else row["attributes"],
            "suspect": SUSPECT,
        }
        for row in rows
    ]
    with prepared(conn, tuple_row) as cursor:
        cursor.executemany(statement(__package__, "merge_calls"), arguments)
        if cursor.rowcount < len(rows):
            raise Moved
