"""Attributes that are left as bytes are read as protobuf reads them, the first time and every other."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from telemetry.sources.otlp import pairs

NAMES = st.sampled_from(("gen_ai.usage.input_tokens", "a", "", "é", "n" * 126, "n" * 200))
VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(lambda said: AnyValue(int_value=said)),
    st.integers(0, 300).map(lambda said: AnyValue(int_value=said)),
    st.text(max_size=10).map(lambda said: AnyValue(string_value=said)),
    st.sampled_from((90, 130, 210, 5000)).map(lambda size: AnyValue(string_value="x" * size)),
    st.booleans().map(lambda said: AnyValue(bool_value=said)),
    st.floats(allow_nan=False).map(lambda said: AnyValue(double_value=said)),
    st.binary(max_size=4).map(lambda said: AnyValue(bytes_value=said)),
    st.just(AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="stop"), AnyValue(int_value=3)]))),
    st.just(AnyValue()),
)
PAIRS = st.builds(lambda name, value: KeyValue(key=name, value=value), NAMES, VALUES)


def by_protobuf(encoded: list[bytes]) -> dict[str, Any]:
    """The same by protobuf alone."""
    read = [KeyValue.FromString(raw) for raw in encoded]
    return {pair.key: plain(pair.value) for pair in read if pair.value.WhichOneof("value")}


def plain(value: AnyValue) -> Any:
    """A value as protobuf's own JSON would have it, with what we leave out as None."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value[:4096]
        case "array_value":
            return tuple(plain(one) for one in value.array_value.values)
        case "int_value" | "bool_value" | "double_value" as kind:
            return getattr(value, kind)
    return None


@given(st.lists(PAIRS, max_size=8))
def test_attributes_are_what_protobuf_reads_also_the_second_time(said: list[KeyValue]) -> None:
    encoded = [pair.SerializeToString() for pair in said]
    assert pairs.attributes(encoded) == by_protobuf(encoded)
    assert pairs.attributes(encoded) == by_protobuf(encoded)


@given(PAIRS, st.integers(0, 300), st.integers(0, 255))
@example(KeyValue(key="a", value=AnyValue(int_value=5)), 6, 0x80)  # a number without an end
@example(KeyValue(key="a", value=AnyValue(int_value=5)), 1, 0x03)  # a name that runs into its value
@example(KeyValue(key="a", value=AnyValue(double_value=float("inf"))), 6, 1)  # what is no number
@example(KeyValue(key="a", value=AnyValue(int_value=5)), 4, 0x01)  # a value that ends before its number
def test_bytes_made_worse_are_read_as_protobuf_reads_them_or_refused(said: KeyValue, place: int, byte: int) -> None:
    whole = said.SerializeToString()
    pairs.attributes([whole])
    raw = bytearray(whole)
    raw[place % len(raw)] = byte
    try:
        expected = by_protobuf([bytes(raw)])
    except DecodeError:
        with pytest.raises(DecodeError):
            pairs.attributes([bytes(raw)])
    else:
        assert repr(pairs.attributes([bytes(raw)])) == repr(expected)  # NaN is not equal to itself


def test_what_is_known_does_not_grow_without_end() -> None:
    for number in range(10_000):
        for value in (AnyValue(string_value=str(number)), AnyValue(int_value=number)):
            pairs.attributes([KeyValue(key=f"n{number}", value=value).SerializeToString()])
    assert len(pairs._pairs) <= pairs._MOST_KNOWN
    assert len(pairs._numbered) <= pairs._MOST_KNOWN


def test_what_a_program_says_with_each_span_is_read_once() -> None:
    reasons = AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="stop")]))
    for value in (reasons, AnyValue(string_value="chat"), AnyValue(double_value=0.7)):
        encoded = [KeyValue(key="a", value=value).SerializeToString()]
        first, second = pairs.attributes(encoded), pairs.attributes(encoded)
        assert first["a"] is second["a"]
