"""From bytes to records: one object, an array, or NDJSON; each bad item gets its own reason. Pure but for DRF's errors.

The usual body is decoded by msgspec in one go. Only where that fails is each item looked at alone: so one bad item
costs time, and never the good ones beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from telemetry.api.errors import BadBody, TooLarge
from telemetry.contracts import Call, Execution, Rejection

MAX_ITEMS = 10_000
MAX_DEPTH = 32
MAX_ATTRIBUTES = 16 * 2**10
_MAX_TEXT = 2**13
_NUL = b"\\u0000"

Record = TypeVar("Record", Call, Execution)
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {Call: msgspec.json.Decoder(list[Call])}
_FIELDS = {kind: frozenset(kind.__struct_fields__) for kind in (Call, Execution)}


@dataclass(slots=True)
class Decoded(Generic[Record]):
    """The readable items of a body with their places in it, and the reasons of the others."""

    items: list[Record] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def decode(body: bytes, kind: type[Record], *, lines: bool = False) -> Decoded[Record]:
    """Records of `kind` from a body; `lines`: it is NDJSON. Raises BadBody, TooLarge."""
    decoder = _DECODERS.get(kind)
    if decoder is not None and not lines and _NUL not in body:
        try:
            items: list[Record] = decoder.decode(body)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            items = []
        if items and all(_modest(item.attributes) for item in items if item.attributes):
            _check_count(len(items))
            return Decoded(items, list(range(len(items))))
    decoded: Decoded[Record] = Decoded()
    for place, item in enumerate(_items(body, lines)):
        _check_count(place + 1)
        try:
            if isinstance(item, BaseException):
                raise item
            decoded.items.append(_record(item, kind))
            decoded.places.append(place)
        except (ValueError, RecursionError) as error:
            decoded.rejected.append(Rejection(place, _id_of(item), _reason(error)))
    return decoded


def _check_count(count: int) -> None:
    if count > MAX_ITEMS:
        raise TooLarge(f"The body holds more than {MAX_ITEMS} items; send fewer at a time.")


def _items(body: bytes, lines: bool) -> Iterator[Any]:
    """The items of a body as plain values, an unreadable line of NDJSON as its error. Raises BadBody."""
    if not body.strip():
        raise BadBody("The body is empty.")
    if not lines:
        try:
            value = _value(body)
        except ValueError as error:
            if not _looks_like_lines(body):
                raise BadBody(f"The body is not JSON: {error}.") from None
        else:
            yield from value if isinstance(value, list) else [value]
            return
    for line in body.splitlines():
        if line.strip():
            try:
                yield _value(line)
            except ValueError as error:
                yield ValueError(f"this line is not JSON: {error}")


def _looks_like_lines(body: bytes) -> bool:
    """Whether the first of several lines is an object of its own: NDJSON without its content type."""
    first, _, rest = body.lstrip().partition(b"\n")
    if not (first.startswith(b"{") and rest.strip()):
        return False
    try:
        return isinstance(_value(first), dict)
    except ValueError:
        return False


def _value(text: bytes) -> Any:
    """One JSON value. What only Python's reader takes (NaN, a lone surrogate) is left for the item's own check."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None


def _record(item: Any, kind: type[Record]) -> Record:
    """One item as a record; fields that `kind` does not have are kept in its attributes. Raises ValueError."""
    if not isinstance(item, dict):
        raise ValueError("an item must be a JSON object")
    _check_sound(item, MAX_DEPTH)
    known = {name: value for name, value in item.items() if name in _FIELDS[kind] and value is not None}
    unknown = {name: value for name, value in item.items() if name not in _FIELDS[kind]}
    if unknown:
        attributes = known.get("attributes") or {}
        known["attributes"] = {**attributes, **unknown} if isinstance(attributes, dict) else attributes
    record = msgspec.convert(known, kind)
    if record.attributes and not _modest(record.attributes):
        raise ValueError(f"attributes and unknown fields hold more than {MAX_ATTRIBUTES} bytes")
    return record


def _check_sound(value: Any, depth: int) -> None:
    """Raises ValueError for what PostgreSQL cannot keep or nobody means: NaN, NUL, half a character, deep nests."""
    if depth < 0:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    match value:
        case str():
            _check_text(value)
        case float() if not math.isfinite(value):
            raise ValueError("a number is NaN or infinite")
        case dict():
            for name, inner in value.items():
                _check_text(name)
                _check_sound(inner, depth - 1)
        case list():
            for inner in value:
                _check_sound(inner, depth - 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("a text holds the character NUL")
    if len(text) > _MAX_TEXT:
        raise ValueError(f"a text is longer than {_MAX_TEXT} characters")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("a text holds half of a character (a lone surrogate)")


def _modest(attributes: Mapping[str, Any]) -> bool:
    """Whether attributes are small and flat enough to keep."""
    try:
        _check_sound(attributes, MAX_DEPTH)
        return len(msgspec.json.encode(attributes)) <= MAX_ATTRIBUTES
    except (ValueError, RecursionError):
        return False


def _id_of(item: Any) -> str:
    """The id that the sender gave an item, shortened, so that he finds it again."""
    if not isinstance(item, dict):
        return ""
    found = item.get("id") or item.get("execution_id") or item.get("task_id") or ""
    return str(found)[:100].encode("utf-8", "replace").decode()


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error).replace(" - at `$.", " - at `").replace("`$`", "the item")


def renumbered(rejected: Sequence[Rejection], places: Sequence[int]) -> list[Rejection]:
    """Rejections of a later step, counted by their places in the body."""
    return [Rejection(places[one.index], one.id, one.reason) for one in rejected]
