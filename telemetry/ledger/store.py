"""The statements that write calls: COPY where all is new, a claim where something is known already.

The identity row decides in which partition a call lives; both are written in one transaction. Rows are sorted by id
and lock classes are taken in one order, session's lock → identity → other names → execution → calls → session, so that
concurrent batches that overlap wait for each other and never deadlock. Source: sql.md §1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import astuple
from psycopg import Connection, sql
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from telemetry.ledger.rows import CALL_COLUMNS, IDENTITY_COLUMNS, Entry, identity_row, picked_of, types_of
from telemetry.statements import prepared, statement
from telemetry.usage import quality_bits

SUSPECT = quality_bits(["output_suspect"])
_COST_RANK = {"client_estimate": 1, "provider": 2}


class Moved(RuntimeError):
    """A call is no longer where its identity said: it became part of another meanwhile, or has expired."""


def _copying(table: str, columns: Sequence[str]) -> bytes:
    """Composed once: psycopg takes a quarter of a millisecond to."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names).as_bytes()


_encode_json = msgspec.json.encode
_COPY_CALLS = _copying("telemetry_call", CALL_COLUMNS), types_of(CALL_COLUMNS)
_COPY_IDENTITIES = _copying("telemetry_identity", IDENTITY_COLUMNS), types_of(IDENTITY_COLUMNS)


Place = tuple[bytes, datetime]  # the id of a call, and the `started_at` under which it lives


@dataclass(slots=True)
class Claimed:
    """An entry whose identity is claimed: the call that it belongs to, where that lives, and whether it is new."""

    entry: Entry
    call_id: bytes
    started_at: datetime
    is_fresh: bool


def copy_identities(conn: Connection[Any], *, project_id: int, entries: Sequence[Entry]) -> None:
    """Claim identities that are all new. `entries` must be sorted by id, each id once. Raises UniqueViolation where
    one is known; then the transaction is over."""
    if entries:
        _copy(conn, _COPY_IDENTITIES, [identity_row(entry, project_id) for entry in entries])


def claim_identities(conn: Connection[Any], *, project_id: int, entries: Sequence[Entry]) -> list[Claimed]:
    """Claim identities; what comes back is new or brings something, the others are left out. `entries` must be sorted
    by id, each id once."""
    if not entries:
        return []
    arguments = {
        "project": project_id,
        "ids": [UUID(bytes=entry.id) for entry in entries],
        "moments": [entry.call.started_at for entry in entries],
        "usage": [entry.usage_rank for entry in entries],
        "cost": [entry.cost_rank for entry in entries],
        "fields": [entry.fields for entry in entries],
    }
    by_id = {entry.id: entry for entry in entries}
    with prepared(conn, tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "claim_identities"), arguments).fetchall()
    return [
        Claimed(by_id[one.bytes], call_id.bytes, started_at, is_fresh) for one, call_id, started_at, is_fresh in rows
    ]


def copy_calls(conn: Connection[Any], *, project_id: int, entries: Sequence[Entry], source: str, now: datetime) -> None:
    """Write new calls. Their identities are claimed in this transaction already, so none can be there."""
    if entries:
        _copy(conn, _COPY_CALLS, [call_row(entry, project_id, source, now) for entry in entries])


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


def cost_rank(kind: str, reported: int | None) -> int:
    """Which of two reported costs is the better: by who reports it, then by its amount, which is below 2**50."""
    return 0 if reported is None else (_COST_RANK[kind] << 50) + reported


def _copy(conn: Connection[Any], copying: tuple[bytes, list[str]], rows: Iterable[tuple[Any, ...]]) -> None:
    command, types = copying
    with conn.cursor() as cursor, cursor.copy(command) as copy:
        copy.set_types(types)
        write_row = copy.write_row
        for row in rows:
            write_row(row)
