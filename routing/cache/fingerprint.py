"""What makes two questions the same one: a digest of all that an answer depends on. Pure.

Values are written with their type and their length before them, so that no two of different types, and no two lists
that are cut elsewhere, are written alike: 1, 1.0, "1" and True are four. Nothing is normalised but the order of dicts
and sets: a space, a sign or a capital that is somewhere else is another question (docs/design.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from struct import pack
from typing import Any
from uuid import UUID

import msgspec

_DEEPEST = 200
Digest = Callable[[PurePath], bytes]


class Unfit(TypeError):
    """A value of which it cannot be said whether another is the same: an object, an open file, what has no end."""


def fingerprint(
    operation: str, *, version: int, tenant: str, arguments: Mapping[str, Any], content: Digest | None = None
) -> str:
    """The digest of a question, as 64 hexadecimal digits. `content` gives the digest of what a file holds: a path
    stands for its name and its content. Raises Unfit, and what `content` raises."""
    whole = ("tloi", operation, version, tenant, dict(arguments))
    return hashlib.sha256(canonical(whole, content=content)).hexdigest()


def canonical(value: Any, *, content: Digest | None = None) -> bytes:
    """A value as bytes that no other value has. Raises Unfit."""
    out: list[bytes] = []
    _write(value, out, content, 0)
    return b"".join(out)


def _write(value: Any, out: list[bytes], content: Digest | None, depth: int) -> None:
    if depth > _DEEPEST:
        raise Unfit("It is nested too deeply.")
    kind = type(value)
    if kind is str:
        out.append(_sized(b"s", value.encode("utf-8", "surrogatepass")))
    elif kind is dict:
        _write_pairs(b"m", value.items(), out, content, depth)
    elif kind in _MANY and value and {float} == set(map(type, value)):  # a table of numbers has thousands
        out.append(_sized(_MANY[kind].upper(), pack(f"<{len(value)}d", *value)))
    elif kind in _MANY:
        out.append(b"%b%d:" % (_MANY[kind], len(value)))
        for each in value:
            _write(each, out, content, depth + 1)
    elif kind in _PLAIN:
        mark, said = _PLAIN[kind]
        out.append(_sized(mark, said(value)))
    elif kind in _SETS:
        parts = sorted(canonical(each, content=content) for each in value)
        out.append(b"%b%d:%b" % (_SETS[kind], len(parts), b"".join(parts)))
    else:
        _write_named(value, out, content, depth)


def _write_named(value: Any, out: list[bytes], content: Digest | None, depth: int) -> None:
    """What is told apart by its class too. Raises Unfit."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".encode()
    if isinstance(value, PurePath):
        if content is None:
            raise Unfit("A path says nothing of what the file holds.")
        out += [_sized(b"p", str(value).encode("utf-8", "surrogateescape")), _sized(b"c", content(value))]
    elif isinstance(value, Enum):
        out += [_sized(b"e", name), _sized(b"n", value.name.encode())]
    elif isinstance(value, msgspec.Struct):
        out.append(_sized(b"o", name))
        _write_pairs(b"m", [(each, getattr(value, each)) for each in value.__struct_fields__], out, content, depth)
    elif is_dataclass(kind):
        out.append(_sized(b"o", name))
        _write_pairs(b"m", [(each.name, getattr(value, each.name)) for each in fields(value)], out, content, depth)
    else:
        raise Unfit(f"A {kind.__qualname__} cannot be compared with another.")


def _write_pairs(mark: bytes, pairs: Any, out: list[bytes], content: Digest | None, depth: int) -> None:
    """Pairs in the order of their names as bytes, so that it does not matter in which they were put."""
    written = []
    for name, value in pairs:
        said: list[bytes] = []
        _write(value, said, content, depth + 1)
        written.append((canonical(name, content=content), b"".join(said)))
    written.sort()
    out.append(b"%b%d:" % (mark, len(written)))
    for name, said_of_it in written:
        out += [name, said_of_it]


def _sized(mark: bytes, said: bytes) -> bytes:
    return b"%b%d:%b" % (mark, len(said), said)


def _moment(value: datetime) -> bytes:
    return f"{value.isoformat()} {value.fold} {value.tzinfo}".encode()


# Types by themselves only: a bool is an int to Python, and a named tuple a tuple.
_MANY: dict[type, bytes] = {list: b"l", tuple: b"u"}
_SETS: dict[type, bytes] = {set: b"z", frozenset: b"y"}
_PLAIN: dict[type, tuple[bytes, Callable[[Any], bytes]]] = {
    type(None): (b"0", lambda _: b""),
    bool: (b"t", lambda value: b"1" if value else b"0"),
    int: (b"i", lambda value: b"%x" % value if value >= 0 else b"-%x" % -value),
    float: (b"f", lambda value: value.hex().encode()),
    bytes: (b"b", lambda value: hashlib.sha256(value).digest()),
    bytearray: (b"a", lambda value: hashlib.sha256(value).digest()),
    Decimal: (b"d", lambda value: str(value).encode()),
    datetime: (b"w", _moment),
    date: (b"j", lambda value: value.isoformat().encode()),
    time: (b"h", lambda value: f"{value.isoformat()} {value.fold} {value.tzinfo}".encode()),
    timedelta: (b"q", lambda value: b"%d %d %d" % (value.days, value.seconds, value.microseconds)),
    UUID: (b"g", lambda value: value.bytes),
}
