"""Entries as PostgreSQL's binary COPY takes them. Pure.

The columns stand in an order in which the numbers that are always there are packed at once, and of the texts, most of
which repeat within a batch, each is encoded once. Source: PostgreSQL's documentation of COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from struct import Struct as Layout
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from telemetry.contracts import Call
from telemetry.usage import quality_bits

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
COUNTS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")
CALL_COLUMNS = (
    *("project_id", "started_at", "id", "received_at", *COUNTS, "quality"),  # always there
    *("reasoning", "cost_reported_nanousd", "cost_computed_nanousd", "duration_ms", "ttft_ms"),  # may be null
    *("cost_kind", "price_version", "source", "provider", "model", *LABELS),  # texts that repeat
    *("request_key", "attributes"),
)
IDENTITY_COLUMNS = ("project_id", "id", "started_at", "usage_rank", "cost_rank", "fields")

_BEGIN = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_NUMBERS = Layout(">h iq iq i16s iq iq iq iq iq iq iq ii".replace(" ", ""))
_IDENTITY = Layout(">h iq i16s iq iq iq ii".replace(" ", ""))
_INT8 = Layout(">iq").pack
_LENGTH = Layout(">i").pack
_NULL = _LENGTH(-1)
_JSONB = b"\x01"  # the version that stands before a jsonb
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's


def _picking(*names: str) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Picks fields of a call out of all of them: a third of the time that attributes take one by one."""
    return itemgetter(*map(Call.__struct_fields__.index, names))


_counts_of = _picking("started_at", *COUNTS, "quality")
_maybe_of = _picking("reasoning", "duration_ms", "ttft_ms")
_texts_of = _picking("provider", "model", *LABELS)
_ends_of = _picking("id", "attributes")
labels_of = _picking(*LABELS)


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


class _Texts(dict[str, bytes]):
    """Texts as COPY takes them, each encoded when it is first asked for."""

    def __missing__(self, text: str) -> bytes:
        encoded = self[text] = _text(text)
        return encoded


def encode_calls(entries: Sequence[Entry], *, project_id: int, source: str, now: datetime) -> bytes:
    """A whole binary COPY of CALL_COLUMNS."""
    text_of = _Texts().__getitem__
    received_at = _microseconds(now)
    columns = len(CALL_COLUMNS)
    parts = [_BEGIN]
    add = parts.append
    for entry in entries:
        call = astuple(entry.call)
        started_at, uncached, read, write_5m, write_1h, write_unknown, output, quality = _counts_of(call)
        reasoning, duration_ms, ttft_ms = _maybe_of(call)
        key, attributes = _ends_of(call)
        add(
            _NUMBERS.pack(
                *(columns, 8, project_id, 8, _microseconds(started_at), 16, entry.id, 8, received_at),
                *(8, uncached, 8, read, 8, write_5m, 8, write_1h, 8, write_unknown, 8, output),
                *(4, quality_bits(quality) if quality else 0),
            )
        )
        for value in (reasoning, entry.reported, entry.computed, duration_ms, ttft_ms):
            add(_NULL if value is None else _INT8(8, value))
        parts += map(text_of, (_cost_kind(entry), entry.price_version, source, *_texts_of(call)))
        add(_text(key))
        add(_jsonb(attributes) if attributes else _NULL)
    add(_END)
    return b"".join(parts)


def encode_identities(entries: Sequence[Entry], *, project_id: int) -> bytes:
    """A whole binary COPY of IDENTITY_COLUMNS."""
    pack = _IDENTITY.pack
    columns = len(IDENTITY_COLUMNS)
    rows = [
        pack(
            *(columns, 8, project_id, 16, entry.id, 8, _microseconds(entry.call.started_at)),
            *(8, entry.usage_rank, 8, entry.cost_rank, 4, entry.fields),
        )
        for entry in entries
    ]
    return b"".join((_BEGIN, *rows, _END))


def call_row(entry: Entry, project_id: int, source: str, now: datetime) -> tuple[Any, ...]:
    """An entry in the order of CALL_COLUMNS; `id` as 16 bytes, `attributes` as they are."""
    call = astuple(entry.call)
    started_at, *counts, quality = _counts_of(call)
    reasoning, duration_ms, ttft_ms = _maybe_of(call)
    key, attributes = _ends_of(call)
    return (
        *(project_id, started_at, entry.id, now, *counts, quality_bits(quality)),
        *(reasoning, entry.reported, entry.computed, duration_ms, ttft_ms),
        *(_cost_kind(entry), entry.price_version, source, *_texts_of(call), key, attributes or None),
    )


def _cost_kind(entry: Entry) -> str:
    return "" if entry.reported is None else entry.call.cost_kind


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH(len(encoded)) + encoded


def _jsonb(value: Any) -> bytes:
    encoded = msgspec.json.encode(value)
    return _LENGTH(len(encoded) + 1) + _JSONB + encoded


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
