"""Parquet as another reader reads it: every value of every column, whatever it is and wherever row groups end."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.exporter import parquet as module
from telemetry.exporter.columns import Column
from telemetry.exporter.parquet import parquet
from telemetry.exporter.thrift import Int32, Int64, struct

reader = pytest.importorskip("arro3.io", reason="arro3-io, which reads Parquet, is not installed")
COLUMNS = (
    Column("at", "moment", "when"),
    Column("seen_at", "moment", "when it was seen", optional=True),
    Column("word", "text", "what"),
    Column("note", "text", "what else", optional=True),
    Column("n", "integer", "how many"),
    Column("m", "integer", "how many more", optional=True),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.integers(0, 4 * 10**15).map(lambda micros: EPOCH + timedelta(microseconds=micros))
numbers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(max_size=8).filter(lambda text: text.isprintable())
rows_of = st.tuples(moments, st.none() | moments, texts, st.none() | texts, numbers, st.none() | numbers)


def read(file: bytes) -> list[tuple[Any, ...]]:
    """The rows, as arrow-rs reads them."""
    table = reader.read_parquet(io.BytesIO(file)).read_all()
    return list(zip(*([value.as_py() for value in table.column(name)] for name in table.column_names), strict=True))


def batches(rows: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@given(rows=st.lists(rows_of, max_size=40), size=st.integers(1, 50), group=st.integers(1, 50))
def test_what_is_read_is_what_was_written(rows: list[tuple[Any, ...]], size: int, group: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "GROUP_ROWS", group)
        assert read(b"".join(parquet(COLUMNS, batches(rows, size)))) == rows


def test_more_than_256_different_texts_and_a_group_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_ROWS", 1000)
    rows = [(EPOCH, None, f"word {n}", None if n % 3 else f"note {n % 7}", n, None) for n in range(2009)]
    assert read(b"".join(parquet(COLUMNS, batches(rows, 300)))) == rows


def test_an_export_of_nothing_is_a_file_without_rows() -> None:
    file = b"".join(parquet(COLUMNS, []))
    assert read(file) == []
    assert reader.read_parquet(io.BytesIO(file)).schema.names == [column.name for column in COLUMNS]


def test_types_are_utc_microseconds_texts_and_integers() -> None:
    schema = reader.read_parquet(io.BytesIO(b"".join(parquet(COLUMNS, [])))).schema
    kinds = {field.name: (str(field.type), field.nullable) for field in schema}
    assert kinds["at"] == ('arro3.core.DataType<Timestamp(µs, "UTC")>\n', False)
    assert kinds["note"] == ("arro3.core.DataType<Utf8>\n", True)
    assert kinds["n"] == ("arro3.core.DataType<Int64>\n", False)


def test_what_a_column_means_stands_in_the_file() -> None:
    assert b'"seen_at": "when it was seen"' in b"".join(parquet(COLUMNS, []))


def test_a_row_group_is_out_before_the_next_is_read() -> None:
    row = (EPOCH, None, "word", None, 1, None)
    taken = []

    def rows() -> Any:
        for n in range(4):
            taken.append(n)
            yield [row] * (module.GROUP_ROWS // 2)

    pieces = parquet(COLUMNS, rows())
    assert next(pieces) == b"PAR1"
    next(pieces)
    assert taken == [0, 1, 2]


def test_structs_are_encoded_as_thrifts_specification_says() -> None:
    assert struct(f1=Int32(1), f2=None, f3=Int64(-1)) == b"\x15\x02\x26\x01\x00"
    assert struct(f1="ab", f20=True) == b"\x18\x02ab\x01\x28\x00"
    assert struct(f1=[Int32(n) for n in range(2)]) == b"\x19\x25\x00\x02\x00"
    assert struct(f1=["x"] * 15)[:3] == b"\x19\xf8\x0f"
    assert struct(f1=struct(f1=Int32(300))) == b"\x1c\x15\xd8\x04\x00\x00"
