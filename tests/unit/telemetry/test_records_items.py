"""A body is cut into its items without being read: what JSON holds comes out, and what is none hurts nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.api.errors import BadBody, TooLarge
from telemetry.api.items import MAX_MARKS, items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)


def read(body: bytes, *, lines: bool = False) -> list[Any]:
    return [json.loads(item) for item in items(body, lines=lines)]


@given(st.lists(VALUES), st.booleans(), st.sampled_from([None, 0, 3]))
def test_an_array_is_cut_into_its_items(values: list[Any], ascii_only: bool, indent: int | None) -> None:
    body = json.dumps(values, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    assert repr(read(body)) == repr(values)  # NaN equals nothing but its own name


@given(OBJECTS, st.sampled_from([None, 2]))
def test_one_object_is_one_item(value: dict[str, Any], indent: int | None) -> None:
    assert repr(read(json.dumps(value, indent=indent).encode())) == repr([value])


@given(st.lists(OBJECTS, min_size=2), st.sampled_from(["\n", "\r\n", "\n\n", " \n\t"]), st.booleans())
def test_objects_line_by_line_are_one_item_each(values: list[Any], end: str, said: bool) -> None:
    body = end.join(json.dumps(value) for value in values).encode()
    assert repr(read(body, lines=said)) == repr(values)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_cut_or_refused(body: bytes, lines: bool) -> None:
    try:
        found = list(items(body, lines=lines))
    except BadBody:
        return
    assert all(item in body for item in found)
    assert sum(map(len, found)) <= len(body)


@given(st.lists(VALUES, min_size=1), st.data())
def test_an_array_that_is_cut_off_is_refused(values: list[Any], data: st.DataObject) -> None:
    body = json.dumps(values).encode()
    cut = data.draw(st.integers(1, len(body) - 1))
    with pytest.raises(BadBody):
        list(items(body[:cut]))


@pytest.mark.parametrize("bad", [b"NaN", b"nonsense", b'{"a" 1}', b'"\xff"', b"[" * 5 + b"]" * 5, b""])
def test_what_is_no_json_takes_nothing_else_with_it(bad: bytes) -> None:
    assert list(items(b'[{"a": 1},' + bad + b',{"b": "]"}]')) == [b'{"a": 1}', bad, b'{"b": "]"}']


@pytest.mark.parametrize("body", [b"", b"  ", b"\xef\xbb\xbf", b"7", b"null", b'"a"', b"[]x", b"[1,]", b"[1}", b"]"])
def test_a_body_that_is_neither_object_nor_array_nor_lines_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        list(items(body))


def test_an_array_may_be_empty_and_follow_a_byte_order_mark() -> None:
    assert list(items(b"\xef\xbb\xbf [ ] ")) == []


def test_only_so_many_brackets_are_looked_at() -> None:
    assert len(list(items(b"[" + b"[]," * (MAX_MARKS // 3 - 1) + b"0]"))) == MAX_MARKS // 3
    with pytest.raises(TooLarge):
        list(items(b"[" * (MAX_MARKS + 2)))
