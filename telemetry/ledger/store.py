"""The statements that write calls: COPY where all is new, a claim where something is known already.

The identity row decides, for ever, in which partition a call lives; both are written in one transaction. Rows are
sorted by id and lock classes are taken in one order, identity → execution → calls → session, so that concurrent
batches that overlap wait for each other and never deadlock. Source: sql.md §1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Connection, sql
from psycopg.errors import UniqueViolation
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from telemetry.contracts import Call
from telemetry.statements import statement
from telemetry.usage import quality_bits

_encode_json = msgspec.json.encode
_UUID = "bytea"  # on the wire of a binary COPY a uuid is its 16 bytes
_IDENTITY = (
    ("project_id", "int8"),
    ("id", _UUID),
    ("started_at", "timestamptz"),
    ("usage_rank", "int8"),
    ("cost_rank", "int8"),
    ("fields", "int4"),
)
LABELS = (
    "agent",
    "host",
    "session_id",
    "subagent_id",
    "session_type",
    "execution_id",
    "task_type",
    "objective",
    "skill",
    "tier",
    "service_tier",
    "error_type",
)
_CALL = (
    ("project_id", "int8"),
    ("started_at", "timestamptz"),
    ("id", _UUID),
    ("input_uncached", "int8"),
    ("cache_read", "int8"),
    ("cache_write_5m", "int8"),
    ("cache_write_1h", "int8"),
    ("cache_write_unknown", "int8"),
    ("output", "int8"),
    ("reasoning", "int8"),
    ("cost_reported_nanousd", "int8"),
    ("cost_computed_nanousd", "int8"),
    ("cost_kind", "text"),
    ("price_version", "text"),
    ("quality", "int4"),
    ("duration_ms", "int8"),
    ("ttft_ms", "int8"),
    ("received_at", "timestamptz"),
    ("source", "text"),
    ("provider", "text"),
    ("model", "text"),
    *((label, "text") for label in LABELS),
    ("request_key", "text"),
    ("attributes", "jsonb"),
)
COLUMNS = tuple(name for name, _ in _CALL)


class Entry(Struct, frozen=True, gc=False):
    """A call ready to be written: identified (16 bytes), ranked and priced. Costs in nano-dollars."""

    id: bytes
    call: Call
    usage_rank: int
    cost_rank: int
    fields: int
    reported: int | None
    computed: int | None
    price_version: str


def write_identities(
    conn: Connection[Any], *, project_id: int, entries: Sequence[Entry]
) -> tuple[list[Entry], list[tuple[Entry, datetime]]]:
    """Claim identities. Returns the entries that are new, and those known already that bring something, with the
    `started_at` under which their call lives. `entries` must be sorted by id, each id once."""
    if not entries:
        return [], []
    try:
        with conn.transaction():
            _copy_identities(conn, project_id, entries)
            return list(entries), []
    except UniqueViolation:
        pass
    by_id = {entry.id: entry for entry in entries}
    fresh: list[Entry] = []
    fuller: list[tuple[Entry, datetime]] = []
    for entry_id, started_at, is_fresh in claim_identities(conn, project_id=project_id, entries=entries):
        if is_fresh:
            fresh.append(by_id[entry_id])
        else:
            fuller.append((by_id[entry_id], started_at))
    return fresh, fuller


def claim_identities(
    conn: Connection[Any], *, project_id: int, entries: Sequence[Entry]
) -> list[tuple[bytes, datetime, bool]]:
    """(id, started_at, is new) of the entries that are new or bring something; the others are left out."""
    arguments = {
        "project": project_id,
        "ids": [UUID(bytes=entry.id) for entry in entries],
        "moments": [entry.call.started_at for entry in entries],
        "usage": [entry.usage_rank for entry in entries],
        "cost": [entry.cost_rank for entry in entries],
        "fields": [entry.fields for entry in entries],
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "claim_identities"), arguments).fetchall()
    return [(entry_id.bytes, started_at, is_fresh) for entry_id, started_at, is_fresh in rows]


def copy_calls(conn: Connection[Any], *, project_id: int, entries: Sequence[Entry], source: str, now: datetime) -> None:
    """Write new calls. Their identities are claimed in this transaction already, so none can be there."""
    if not entries:
        return
    with conn.cursor() as cursor, cursor.copy(_copy_statement("telemetry_call", _CALL)) as copy:
        copy.set_types([kind for _, kind in _CALL])
        for entry in entries:
            copy.write_row(call_row(entry, project_id, source, now))


def merge_calls(
    conn: Connection[Any],
    *,
    project_id: int,
    entries: Sequence[tuple[Entry, datetime]],
    source: str,
    now: datetime,
) -> None:
    """Merge fuller copies into calls that are there: the larger usage, the better cost, labels that were empty."""
    if not entries:
        return
    rows = [
        dict(zip(COLUMNS, call_row(entry, project_id, source, now), strict=True))
        | {"id": UUID(bytes=entry.id), "started_at": started_at, "cost_rank": entry.cost_rank}
        for entry, started_at in entries
    ]
    with conn.cursor() as cursor:
        cursor.executemany(statement(__package__, "merge_calls"), rows)


def call_row(entry: Entry, project_id: int, source: str, now: datetime) -> tuple[Any, ...]:
    """An entry in the order of the table's columns as COPY writes them."""
    call = entry.call
    return (
        project_id,
        call.started_at,
        entry.id,
        call.input_uncached,
        call.cache_read,
        call.cache_write_5m,
        call.cache_write_1h,
        call.cache_write_unknown,
        call.output,
        call.reasoning,
        entry.reported,
        entry.computed,
        call.cost_kind if entry.reported is not None else "",
        entry.price_version,
        quality_bits(call.quality) if call.quality else 0,
        call.duration_ms,
        call.ttft_ms,
        now,
        source,
        call.provider,
        call.model,
        call.agent,
        call.host,
        call.session_id,
        call.subagent_id,
        call.session_type,
        call.execution_id,
        call.task_type,
        call.objective,
        call.skill,
        call.tier,
        call.service_tier,
        call.error_type,
        call.id,
        Jsonb(call.attributes, _encode_json) if call.attributes else None,
    )


def _copy_identities(conn: Connection[Any], project_id: int, entries: Sequence[Entry]) -> None:
    with conn.cursor() as cursor, cursor.copy(_copy_statement("telemetry_identity", _IDENTITY)) as copy:
        copy.set_types([kind for _, kind in _IDENTITY])
        for entry in entries:
            copy.write_row(
                (project_id, entry.id, entry.call.started_at, entry.usage_rank, entry.cost_rank, entry.fields)
            )


def _copy_statement(table: str, columns: Sequence[tuple[str, str]]) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
