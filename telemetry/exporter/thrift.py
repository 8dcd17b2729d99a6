"""Thrift's compact protocol, as far as the metadata of Parquet needs it: written, never read. Pure.

Source: the Thrift specification of the compact protocol.
"""

from __future__ import annotations

from typing import Any

_TRUE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 5, 6, 8, 9, 12
_SHORT_LIST = 15


class Int32(int):
    """A number that the schema declares as i32."""


class Int64(int):
    """A number that the schema declares as i64."""


class Struct(bytes):
    """An encoded struct."""


Value = bool | Int32 | Int64 | str | bytes | Struct | list[Any]  # a list of values of one kind


def struct(**fields: Value | None) -> Struct:
    """A struct of fields named `f1`, `f2`, … after their ids, in that order; what is None is left out. Of booleans only
    True, since Parquet's are left out where false."""
    out, before = bytearray(), 0
    for name, value in fields.items():
        if value is None:
            continue
        number = int(name[1:])
        delta, kind = number - before, _kind(value)
        out += bytes([delta << 4 | kind]) if 0 < delta < 16 else bytes([kind]) + varint(_zigzag(number))
        out += b"" if value is True else _encoded(value)
        before = number
    return Struct(bytes(out) + b"\0")


def varint(number: int) -> bytes:
    """An unsigned number in groups of seven bits, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _kind(value: Value) -> int:
    match value:
        case bool():
            return _TRUE
        case Int32():
            return _I32
        case Int64():
            return _I64
        case Struct():
            return _STRUCT
        case str() | bytes():
            return _BINARY
    return _LIST


def _encoded(value: Value) -> bytes:
    match value:
        case Int32() | Int64():
            return varint(_zigzag(value))
        case Struct():
            return value
        case str():
            return _encoded(value.encode())
        case bytes():
            return varint(len(value)) + value
        case list():
            return _list(value)
    raise TypeError(type(value))


def _list(value: list[Any]) -> bytes:
    kind = _kind(value[0]) if value else _STRUCT
    head = bytes([len(value) << 4 | kind]) if len(value) < _SHORT_LIST else bytes([0xF0 | kind]) + varint(len(value))
    return head + b"".join(map(_encoded, value))
