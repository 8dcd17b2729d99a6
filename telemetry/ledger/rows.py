"""What is written of a call: its columns, row by row or by column, and columns as PostgreSQL reads them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from telemetry.contracts import Call
from telemetry.ledger.arrays import int8s, jsonbs, moments, single_texts, texts, uuids
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
_PICKED = ("started_at", *COUNTS, "reasoning", "duration_ms", "ttft_ms", "provider", "model", *LABELS, "id")
_COST_RANK = {"client_estimate": 1, "provider": 2}
_TYPES = {
    **dict.fromkeys((*COUNTS, "project_id", "reasoning", "duration_ms", "ttft_ms", "quality"), "int8"),
    **dict.fromkeys(("cost_reported_nanousd", "cost_computed_nanousd"), "int8"),
    **dict.fromkeys(("started_at", "received_at"), "timestamptz"),
    "id": "uuid",
    "attributes": "jsonb",
}
_BY_TYPE: dict[str, Callable[[Any], bytes]] = {"int8": int8s, "timestamptz": moments, "uuid": uuids, "jsonb": jsonbs}
_ARRAYS = {name: _BY_TYPE[kind] for name, kind in _TYPES.items()} | {"request_key": single_texts}
_encode_json = msgspec.json.encode
CALL_COLUMNS = (
    *("project_id", "id", "received_at", "source", "cost_reported_nanousd", "cost_computed_nanousd"),
    *("cost_kind", "price_version", "quality", *_PICKED[:-1], "request_key", "attributes"),
)


def _picking(*names: str) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Picks fields of a call out of all of them at once."""
    return itemgetter(*map(Call.__struct_fields__.index, names))


picked_of = _picking(*_PICKED)
labels_of = _picking(*LABELS)


Fields = Mapping[str, Sequence[Any]]


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


def cost_rank(kind: str, reported: int | None) -> int:
    """Which of two reported costs is the better: by who reports it, then by its amount, which is below 2**50."""
    return 0 if reported is None else (_COST_RANK[kind] << 50) + reported


def type_of(column: str) -> str:
    """The type of a column of calls."""
    return _TYPES.get(column, "text")


def fields_of(calls: Iterable[Call]) -> Fields:
    """Each field of calls, of which there is one at least."""
    return dict(zip(Call.__struct_fields__, zip(*map(astuple, calls), strict=True), strict=True))


def columns_of(
    entries: Sequence[Entry], fields: Fields, *, project_id: int, source: str, now: datetime
) -> dict[str, Sequence[Any]]:
    """What is written of entries, by column; `fields` are those of their calls. `id` is 16 bytes, `attributes` are
    JSON."""
    ids, _, _, _, _, reported, computed, versions = zip(*map(astuple, entries), strict=True)
    kinds = ["" if cost is None else kind for cost, kind in zip(reported, fields["cost_kind"], strict=True)]
    quality = [quality_bits(flags) if flags else 0 for flags in fields["quality"]]
    count = len(entries)
    columns: dict[str, Sequence[Any]] = {
        "project_id": (project_id,) * count,
        "id": ids,
        "received_at": (now,) * count,
        "source": (source,) * count,
        "cost_reported_nanousd": reported,
        "cost_computed_nanousd": computed,
        "cost_kind": kinds,
        "price_version": versions,
        "quality": quality,
        **{name: fields[name] for name in _PICKED[:-1]},
        "request_key": fields["id"],
        "attributes": _as_json(fields["attributes"]),
    }
    return columns


def alike(column: Sequence[Any]) -> bool:
    """Whether all values of a column are the same."""
    first = column[0]
    return bool(column[-1] == first and column[len(column) // 2] == first and column.count(first) == len(column))


def array_of(column: str, values: Sequence[Any]) -> bytes:
    """Values of a column of calls as an array."""
    return _ARRAYS.get(column, texts)(values)


def _as_json(attributes: Sequence[Mapping[str, Any] | None]) -> list[bytes | None]:
    """Those that calls share are one object, and are encoded once."""
    known = {id(one): one for one in attributes}
    encoded = {place: _encode_json(one) if one else None for place, one in known.items()}
    return [encoded[id(one)] for one in attributes]
