"""What is written of a call: its columns in order, with their types on the wire of a binary COPY. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from msgspec import Struct

from telemetry.contracts import Call

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
_PICKED = ("started_at", *COUNTS, "reasoning", "duration_ms", "ttft_ms", "provider", "model", *LABELS, "id")
_UUID = "bytea"  # on the wire of a binary COPY a uuid is its 16 bytes
_TYPES = {
    **dict.fromkeys((*COUNTS, "project_id", "reasoning", "duration_ms", "ttft_ms", "usage_rank", "cost_rank"), "int8"),
    **dict.fromkeys(("cost_reported_nanousd", "cost_computed_nanousd"), "int8"),
    **dict.fromkeys(("quality", "fields"), "int4"),
    **dict.fromkeys(("started_at", "received_at"), "timestamptz"),
    "id": _UUID,
    "attributes": "jsonb",
}
CALL_COLUMNS = (
    *("project_id", "id", "received_at", "source", "cost_reported_nanousd", "cost_computed_nanousd"),
    *("cost_kind", "price_version", "quality", *_PICKED[:-1], "request_key", "attributes"),
)
IDENTITY_COLUMNS = ("project_id", "id", "started_at", "usage_rank", "cost_rank", "fields")


def _picking(*names: str) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Picks fields of a call out of all of them at once."""
    return itemgetter(*map(Call.__struct_fields__.index, names))


picked_of = _picking(*_PICKED)
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


def types_of(columns: Sequence[str]) -> list[str]:
    """The types of columns as COPY sends them."""
    return [_TYPES.get(name, "text") for name in columns]


def identity_row(entry: Entry, project_id: int) -> tuple[Any, ...]:
    """An entry in the order of IDENTITY_COLUMNS."""
    return project_id, entry.id, entry.call.started_at, entry.usage_rank, entry.cost_rank, entry.fields
