"""Columns as PostgreSQL's binary protocol takes arrays: what a batch is written by. Pure.

A value of its own for each call is never an object of its own here: numbers are turned round in one piece and laid
between their lengths, texts that repeat are encoded once. Source: PostgreSQL's array_recv, and its types' own.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from struct import Struct
from typing import cast

INT8, UUID, MOMENT, TEXT, JSONB = 20, 2950, 1184, 25, 3802  # the numbers of types, the same on every server
_HEAD = Struct(">5i").pack  # dimensions, whether one is null, the type, how many, the first one's number
_LENGTH = Struct(">i").pack
_INT8 = Struct(">iq").pack
_NULL = _LENGTH(-1)
_UUID_LENGTH = _LENGTH(16)
_NO_INT8 = _INT8(8, 0)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's


class Int8s(bytes):
    """An array of int8."""


class Uuids(bytes):
    """An array of uuid."""


class Moments(bytes):
    """An array of timestamptz."""


class Texts(bytes):
    """An array of text."""


class Jsonbs(bytes):
    """An array of jsonb."""


def int8s(values: Sequence[int | None]) -> Int8s:
    """Numbers; raises OverflowError where one does not fit."""
    try:
        numbers: array[int] = array("q", cast(Sequence[int], values))
    except TypeError:  # None is no number
        each = b"".join(_NULL if value is None else _INT8(8, value) for value in values)
        return Int8s(_head(INT8, len(values), has_null=True) + each)
    return Int8s(_head(INT8, len(values)) + _spaced(numbers))


def moments(values: Sequence[datetime]) -> Moments:
    """Moments of any zone, to the microsecond."""
    since = [moment - _EPOCH for moment in values]
    numbers = array("q", [(one.days * 86_400 + one.seconds) * 1_000_000 + one.microseconds for one in since])
    return Moments(_head(MOMENT, len(values)) + _spaced(numbers))


def uuids(values: Sequence[bytes]) -> Uuids:
    """Ids of 16 bytes."""
    return Uuids(_head(UUID, len(values)) + _UUID_LENGTH + _UUID_LENGTH.join(values))


def texts(values: Sequence[str]) -> Texts:
    """Texts, each with its length; those that repeat are encoded once."""
    known: dict[str, bytes] = {}
    for value in set(values):
        encoded = value.encode()
        known[value] = _LENGTH(len(encoded)) + encoded
    return Texts(_head(TEXT, len(values)) + b"".join(map(known.__getitem__, values)))


def single_texts(values: Sequence[str]) -> Texts:
    """Texts of which hardly one is there twice."""
    encoded = [value.encode() for value in values]
    return Texts(_head(TEXT, len(values)) + _measured(encoded))


def jsonbs(values: Sequence[bytes | None]) -> Jsonbs:
    """Encoded JSON."""
    each = [_NULL if value is None else _LENGTH(len(value) + 1) + b"\x01" + value for value in values]
    return Jsonbs(_head(JSONB, len(values), has_null=None in values) + b"".join(each))


def _head(kind: int, count: int, *, has_null: bool = False) -> bytes:
    return _HEAD(1, has_null, kind, count, 1)


def _measured(encoded: Sequence[bytes]) -> bytes:
    lengths: Iterable[bytes] = map(_LENGTH, map(len, encoded))
    return b"".join(chain.from_iterable(zip(lengths, encoded, strict=True)))


def _spaced(numbers: array[int]) -> bytearray:
    """Numbers of 8 bytes, each behind its length."""
    if sys.byteorder == "little":
        numbers.byteswap()
    raw = numbers.tobytes()
    spaced = bytearray(_NO_INT8 * len(numbers))
    for place in range(8):
        spaced[4 + place :: 12] = raw[place::8]
    return spaced
