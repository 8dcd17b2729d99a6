"""From bytes to records; each bad item gets its own reason. Pure but for DRF's errors.

The usual body is decoded by msgspec in one go. Only where that fails is each item looked at alone: so one bad item
costs time, and never the good ones beside it. Either way an item is decoded from its own text, so that the same call
is the same record, and has the same identity, whatever stood beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, ValidationError
from msgspec.structs import force_setattr

from telemetry.api.errors import TooLarge
from telemetry.api.items import MAX_MARKS, items
from telemetry.contracts import Call, Execution, Rejection

MAX_ITEMS = 10_000
MAX_ITEM_BYTES = 256 * 2**10
MAX_DEPTH = 32
MAX_ATTRIBUTES = 16 * 2**10
_SMALL = 2**20  # bytes
_ESCAPED_NUL = b"\\u0000"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
_TIME = b'"started_at"'

_MOST_KNOWN = 1024
_LONGEST_KNOWN = 1024  # bytes

Record = TypeVar("Record", Call, Execution)


class _SentCall(Call, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A call as it is sent; its attributes are read afterwards, for calls of one sender mostly have the same."""

    attributes: Raw = Raw(b"null")  # type: ignore[assignment]


_ALL_CALLS = msgspec.json.Decoder(list[_SentCall])
_ATTRIBUTES = msgspec.json.Decoder(dict[str, Any] | None)
_known_attributes: dict[bytes, Mapping[str, Any] | None] = {}
_FIELDS = {kind: frozenset(kind.__struct_fields__) for kind in (Call, Execution)}


@dataclass(slots=True)
class Decoded(Generic[Record]):
    """The readable items of a body with their places in it, and the reasons of the others. `ignored` counts those that
    mean nothing to us."""

    items: list[Record] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    ignored: int = 0


def decode(body: bytes, kind: type[Record], *, lines: bool = False) -> Decoded[Record]:
    """Records of `kind` from a body; `lines`: it is NDJSON. Raises BadBody, TooLarge."""
    calls = _calls_at_once(body) if kind is Call and not lines else []
    if calls:
        return Decoded(calls, list(range(len(calls))))
    return read_items(body, partial(_record, kind=kind), lines=lines)


def read_items(body: bytes, read: Callable[[bytes], Record | None], *, lines: bool = False) -> Decoded[Record]:
    """What `read` makes of each item of a body: a record, None for one that means nothing, or ValueError or
    RecursionError with the reason why it is refused. Raises BadBody, TooLarge."""
    decoded: Decoded[Record] = Decoded()
    for place, item in enumerate(items(body, lines=lines)):
        if place == MAX_ITEMS:
            raise TooLarge(f"The body holds more than {MAX_ITEMS} items; send fewer at a time.")
        try:
            record = read(item)
        except (ValueError, RecursionError) as error:
            decoded.rejected.append(_rejection(place, item, error))
            continue
        if record is None:
            decoded.ignored += 1
        else:
            decoded.items.append(record)
            decoded.places.append(place)
    return decoded


def _calls_at_once(body: bytes) -> list[Any]:
    """The calls of an array of nothing but good calls, else none."""
    if _ESCAPED_NUL in body or (len(body) > _SMALL and _is_hostile(body)):
        return []
    try:
        calls = _ALL_CALLS.decode(body)
        for call in calls:
            force_setattr(call, "attributes", _attributes(bytes(call.attributes)))  # nobody has seen it yet
    except (ValueError, RecursionError):
        return []
    return calls if len(calls) <= MAX_ITEMS else []


def _attributes(raw: bytes) -> Mapping[str, Any] | None:
    """Attributes read from JSON; those that were read before are the same object. Raises ValueError, RecursionError."""
    if raw in _known_attributes:
        return _known_attributes[raw]
    try:
        attributes: Mapping[str, Any] | None = _ATTRIBUTES.decode(raw)
    except ValidationError as error:
        raise ValidationError(f"{error} - at `$.attributes`") from None
    _check_modest(attributes)
    if len(raw) <= _LONGEST_KNOWN:
        if len(_known_attributes) >= _MOST_KNOWN:
            _known_attributes.clear()
        _known_attributes[raw] = attributes
    return attributes


def _is_hostile(body: bytes) -> bool:
    """Whether a large body might become more objects than one request is worth; a small one cannot."""
    return body.count(_TIME) > MAX_ITEMS or body.count(b"[") + body.count(b"{") > MAX_MARKS


def _record(item: bytes, kind: type[Record]) -> Record:
    """One item as a record; fields that `kind` does not have are kept in its attributes. Raises ValueError,
    RecursionError."""
    if len(item) > MAX_ITEM_BYTES:
        raise ValueError(f"an item has more than {MAX_ITEM_BYTES} bytes")
    if not item.lstrip().startswith(b"{"):
        raise ValueError("an item must be a JSON object")
    if _NUL.search(item):
        raise ValueError("a text holds the character NUL")
    fields = msgspec.json.decode(item, type=dict[str, Raw])
    known = {name: raw for name, raw in fields.items() if name in _FIELDS[kind] and bytes(raw) != b"null"}
    unknown = {name: raw for name, raw in fields.items() if name not in _FIELDS[kind]}
    if unknown:
        attributes = msgspec.json.decode(known.get("attributes", b"{}"), type=dict[str, Raw])
        known["attributes"] = Raw(msgspec.json.encode({**attributes, **unknown}))
    wanted: Any = _SentCall if kind is Call else kind
    record: Record = msgspec.json.decode(msgspec.json.encode(known), type=wanted)
    if isinstance(record, _SentCall):
        force_setattr(record, "attributes", _attributes(bytes(record.attributes)))
    else:
        _check_modest(record.attributes)
    return record


def _check_modest(attributes: Mapping[str, Any] | None) -> None:
    """Raises ValueError for attributes that are too large or too deep to keep."""
    if not attributes:
        return
    encoded = msgspec.json.encode(attributes)
    if len(encoded) > MAX_ATTRIBUTES:
        raise ValueError(f"attributes and unknown fields hold more than {MAX_ATTRIBUTES} bytes")
    if encoded.count(b"[") + encoded.count(b"{") > MAX_DEPTH and _is_deeper(attributes, MAX_DEPTH):
        raise ValueError(f"attributes are nested more than {MAX_DEPTH} deep")


def _is_deeper(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(one, depth - 1) for one in inner)


def _rejection(place: int, item: bytes, error: ValueError | RecursionError) -> Rejection:
    """Why an item was refused, with its id where even a reader that is more lenient than JSON finds one."""
    constants: list[str] = []
    lenient: Any = None
    try:
        if len(item) <= MAX_ITEM_BYTES:
            lenient = json.loads(item, parse_constant=constants.append)
    except (ValueError, RecursionError):
        pass
    reason = _reason(error)
    if constants:
        reason = f"{constants[0]} is no number of JSON"
    elif lenient is not None and isinstance(error, msgspec.DecodeError) and not isinstance(error, ValidationError):
        reason = "a text holds half of a character (a lone surrogate)"
    return Rejection(place, _id_of(lenient), reason)


def _reason(error: ValueError | RecursionError) -> str:
    match error:
        case RecursionError():
            return "it is nested too deeply"
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case ValidationError():
            return str(error).replace(" - at `$.", " - at `")
        case msgspec.DecodeError():
            return f"it is not JSON: {error}"
    return str(error)


def _id_of(item: Any) -> str:
    """The id that the sender gave an item, shortened, so that he finds it again."""
    if not isinstance(item, dict):
        return ""
    found = item.get("id") or item.get("execution_id") or item.get("task_id") or ""
    return str(found)[:100].encode("utf-8", "replace").decode()


def renumbered(rejected: Sequence[Rejection], places: Sequence[int]) -> list[Rejection]:
    """Rejections of a later step, counted by their places in the body."""
    return [Rejection(places[one.index], one.id, one.reason) for one in rejected]
