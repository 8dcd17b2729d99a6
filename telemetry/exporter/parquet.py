"""Parquet of flat rows, in pieces: one row group after the other, and what describes them at the end. Pure.

Texts are dictionary-encoded, numbers plain, pages gzipped, so that every reader reads it. Indices into a dictionary
take whole bytes, which the format allows and which makes them an array. Source: the Apache Parquet format, 2.x.
"""

from __future__ import annotations

import json
import struct as layout
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from telemetry.exporter.columns import Column
from telemetry.exporter.thrift import Int32, Int64, Struct, struct, varint

GROUP_ROWS = 50_000  # at most 2**16, for the indices of a dictionary take two bytes
_MAGIC = b"PAR1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT64, _BYTE_ARRAY = Int32(2), Int32(6)
_REQUIRED, _OPTIONAL = Int32(0), Int32(1)
_UTF8, _TIMESTAMP_MICROS = Int32(0), Int32(10)  # converted types, for older readers
_PLAIN, _RLE, _RLE_DICTIONARY = Int32(0), Int32(3), Int32(8)
_DATA_PAGE, _DICTIONARY_PAGE = Int32(0), Int32(2)
_GZIP, _GZIP_BITS, _LEVEL = Int32(2), 31, 3
_DIGITS = bytes([ord("0"), ord("1")]) + bytes(254)  # of a binary number
_NOTHING = struct()
_STRING = struct(f1=_NOTHING)
_MICROSECONDS_UTC = struct(f8=struct(f1=True, f2=struct(f2=_NOTHING)))


def parquet(columns: Sequence[Column], batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """The file. A row holds a str, an int or an aware datetime for each column, None only where it is optional."""
    yield _MAGIC
    offset, rows, groups = len(_MAGIC), 0, []
    chunks = [_chunk(column) for column in columns]
    for batch in _limited(batches):
        if chunks[0].rows + len(batch) > GROUP_ROWS:
            described, content = _row_group(chunks, offset)
            groups.append(described)
            offset += len(content)
            chunks = [_chunk(column) for column in columns]
            yield content
        for chunk, values in zip(chunks, zip(*batch, strict=True), strict=True):
            chunk.add(values)
        rows += len(batch)
    if chunks[0].rows:
        described, content = _row_group(chunks, offset)
        groups.append(described)
        yield content
    footer = _footer(columns, rows, groups)
    yield footer + layout.pack("<I", len(footer)) + _MAGIC


def _limited(batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[Sequence[Sequence[Any]]]:
    """Batches of which none is empty or larger than a row group."""
    for batch in batches:
        for start in range(0, len(batch), GROUP_ROWS):
            yield batch[start : start + GROUP_ROWS]


class _Chunk(Protocol):
    """One column of a row group while it is gathered."""

    column: Column
    rows: int

    def add(self, values: Sequence[Any]) -> None:
        """Take the column's values of some rows more."""

    def pages(self) -> _Pages:
        """What was gathered, as it stands in the file."""


@dataclass(frozen=True, slots=True)
class _Pages:
    """A column of a row group; `dictionary` is empty for plain values, `unpacked` the size of both without gzip."""

    dictionary: bytes
    data: bytes
    unpacked: int
    statistics: Struct


@dataclass(slots=True)
class _Numbers:
    """Integers, and moments as microseconds."""

    column: Column
    rows: int = 0
    values: array[int] = field(default_factory=lambda: array("q"))
    there: bytearray = field(default_factory=bytearray)

    def add(self, values: Sequence[Any]) -> None:
        self.rows += len(values)
        if self.column.optional:
            values = _without_none(values, self.there)
        if self.column.kind == "moment":
            values = [(value - _EPOCH) // _MICROSECOND for value in values]
        self.values.extend(values)

    def pages(self) -> _Pages:
        data, unpacked = _data_page(self.rows, _PLAIN, _levels(self.there) + _little_endian(self.values))
        nulls = Int64(self.rows - len(self.values))
        if not self.values:
            return _Pages(b"", data, unpacked, struct(f3=nulls))
        least, most = (layout.pack("<q", end(self.values)) for end in (min, max))
        return _Pages(b"", data, unpacked, struct(f3=nulls, f5=most, f6=least))


@dataclass(slots=True)
class _Texts:
    """Texts, each kept once."""

    column: Column
    rows: int = 0
    places: dict[str, int] = field(default_factory=dict)
    indices: array[int] = field(default_factory=lambda: array("H"))
    there: bytearray = field(default_factory=bytearray)

    def add(self, values: Sequence[Any]) -> None:
        self.rows += len(values)
        if self.column.optional:
            values = _without_none(values, self.there)
        places = self.places
        self.indices.extend([places.setdefault(value, len(places)) for value in values])

    def pages(self) -> _Pages:
        texts = [text.encode() for text in self.places]
        words = b"".join(layout.pack("<I", len(text)) + text for text in texts)
        dictionary, size = _page(_DICTIONARY_PAGE, words, f7=struct(f1=Int32(len(texts)), f2=_PLAIN))
        data, more = _data_page(self.rows, _RLE_DICTIONARY, _levels(self.there) + self._packed())
        return _Pages(dictionary, data, size + more, struct(f3=Int64(self.rows - len(self.indices))))

    def _packed(self) -> bytes:
        """The width of an index in bits, and one run of them all, filled up to a multiple of eight."""
        groups = -(-len(self.indices) // 8)
        indices = self.indices + array("H", [0] * (groups * 8 - len(self.indices)))
        is_narrow = len(self.places) <= 2**8
        packed = bytes(indices.tolist()) if is_narrow else _little_endian(indices)
        return bytes([8 if is_narrow else 16]) + varint(groups << 1 | 1) + packed


def _chunk(column: Column) -> _Chunk:
    return _Texts(column) if column.kind == "text" else _Numbers(column)


def _without_none(values: Sequence[Any], there: bytearray) -> Sequence[Any]:
    """The values that are there; which of the rows have one is noted."""
    there.extend(value is not None for value in values)
    return [value for value in values if value is not None]


def _levels(there: bytearray) -> bytes:
    """Which rows have a value, as runs of one bit a row: all alike, or packed, the first row in the lowest bit. Nothing
    for a column that has all."""
    if not there:
        return b""
    if all(there):
        runs = varint(len(there) << 1) + b"\1"
    else:
        groups = -(-len(there) // 8)
        digits = bytes(there[::-1]).translate(_DIGITS)
        runs = varint(groups << 1 | 1) + int(digits, 2).to_bytes(groups, "little")
    return layout.pack("<I", len(runs)) + runs


def _little_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _data_page(rows: int, encoding: Int32, content: bytes) -> tuple[bytes, int]:
    return _page(_DATA_PAGE, content, f5=struct(f1=Int32(rows), f2=encoding, f3=_RLE, f4=_RLE))


def _page(kind: Int32, content: bytes, **header_of_kind: Struct) -> tuple[bytes, int]:
    """A page with its header, and its size without gzip."""
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP_BITS)
    packed = packer.compress(content) + packer.flush()
    header = struct(f1=kind, f2=Int32(len(content)), f3=Int32(len(packed)), **header_of_kind)
    return header + packed, len(header) + len(content)


def _row_group(chunks: Sequence[_Chunk], offset: int) -> tuple[Struct, bytes]:
    """A row group that begins at `offset`: what the end of the file says of it, and its bytes."""
    described, content, unpacked = [], bytearray(), 0
    for chunk in chunks:
        pages = chunk.pages()
        start = offset + len(content)
        described.append(struct(f2=Int64(start), f3=_column_metadata(chunk, pages, start)))
        content += pages.dictionary + pages.data
        unpacked += pages.unpacked
    rows = Int64(chunks[0].rows)
    return struct(f1=described, f2=Int64(unpacked), f3=rows, f5=Int64(offset), f6=Int64(len(content))), bytes(content)


def _column_metadata(chunk: _Chunk, pages: _Pages, start: int) -> Struct:
    has_dictionary = bool(pages.dictionary)
    return struct(
        f1=_type(chunk.column),
        f2=[_PLAIN, _RLE, *([_RLE_DICTIONARY] if has_dictionary else [])],
        f3=[chunk.column.name],
        f4=_GZIP,
        f5=Int64(chunk.rows),
        f6=Int64(pages.unpacked),
        f7=Int64(len(pages.dictionary) + len(pages.data)),
        f9=Int64(start + len(pages.dictionary)),
        f11=Int64(start) if has_dictionary else None,
        f12=pages.statistics,
    )


def _footer(columns: Sequence[Column], rows: int, groups: list[Struct]) -> bytes:
    """FileMetaData; what each column means stands under the key `tloi.columns`, as JSON."""
    root = struct(f4="tloi", f5=Int32(len(columns)))
    docs = json.dumps({column.name: column.doc for column in columns})
    return struct(
        f1=Int32(1),
        f2=[root, *map(_schema_element, columns)],
        f3=Int64(rows),
        f4=groups,
        f5=[struct(f1="tloi.columns", f2=docs)],
        f6="TLOI",
        f7=[struct(f1=_NOTHING)] * len(columns),  # values are ordered as their types are
    )


def _schema_element(column: Column) -> Struct:
    converted = {"text": _UTF8, "moment": _TIMESTAMP_MICROS}.get(column.kind)
    logical = {"text": _STRING, "moment": _MICROSECONDS_UTC}.get(column.kind)
    repetition = _OPTIONAL if column.optional else _REQUIRED
    return struct(f1=_type(column), f3=repetition, f4=column.name, f6=converted, f10=logical)


def _type(column: Column) -> Int32:
    return _BYTE_ARRAY if column.kind == "text" else _INT64
