"""Records from a body: the fast way and the careful way say the same of the same item."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.api import parsers
from telemetry.api.errors import BadBody, TooLarge
from telemetry.api.parsers import gunzip
from telemetry.api.records import MAX_ATTRIBUTES, MAX_DEPTH, MAX_ITEMS, decode, renumbered
from telemetry.contracts import Call, Execution, Rejection

CALL = '{"started_at": "2025-10-24T12:00:00Z", "model": "m", "cost_usd": 1.10, "agent": "é"}'
TOO_LONG = "an item has more than 262144 bytes"
CALLS = st.fixed_dictionaries(
    {"started_at": st.datetimes().map(lambda moment: moment.isoformat() + "Z"), "model": st.text(min_size=1)},
    optional={
        "output": st.integers(0, 2**53),
        "agent": st.text(max_size=20),
        "duration_ms": st.none() | st.integers(0, 10**12),
        "cost_usd": st.decimals(0, 100, allow_nan=False).map(str) | st.floats(0, 100),
        "attributes": st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False, allow_infinity=False)),
    },
)


@given(st.lists(CALLS, min_size=1, max_size=5))
def test_an_item_is_the_same_record_beside_good_and_bad_ones(values: list[dict[str, object]]) -> None:
    texts = [json.dumps(value) for value in values]
    alone = decode(f"[{','.join(texts)}]".encode(), Call)
    beside = decode(f"[7,{','.join(texts)}]".encode(), Call)
    in_lines = decode("\n".join(texts).encode(), Call, lines=True)
    assert alone.items == beside.items == in_lines.items
    assert [place + 1 for place in alone.places] == beside.places
    assert [one.index for one in beside.rejected] == [0, *(one.index + 1 for one in alone.rejected)]


def test_a_cost_keeps_its_digits_either_way() -> None:
    for body in (f"[{CALL}]", f"[{CALL}, 0]"):
        assert str(decode(body.encode(), Call).items[0].cost_usd) == "1.10"
    assert decode(CALL.replace("1.10", "1e-9").encode(), Call).items[0].cost_usd == Decimal("0.000000001")


def test_unknown_fields_join_the_attributes_and_null_says_nothing() -> None:
    item = CALL.replace("}", ', "host": null, "attributes": {"a": 1, "b": 2}, "b": {"c": [3]}, "d": null}', 1)
    (call,) = decode(item.encode(), Call).items
    assert (call.host, call.attributes) == ("", {"a": 1, "b": {"c": [3]}, "d": None})
    (plain,) = decode(CALL.replace("}", ', "attributes": null}').encode(), Call).items
    assert plain.attributes is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('"m"', "7"), "Expected `str`, got `int` - at `model`"),
        (('"m"', '""'), "Expected `str` of length >= 1 - at `model`"),
        (("1.10", "NaN"), "NaN is no number of JSON"),
        (("1.10", "-Infinity"), "-Infinity is no number of JSON"),
        (("é", r"\ud83d"), "a text holds half of a character (a lone surrogate)"),
        (("é", r"a\u0000"), "a text holds the character NUL"),
        (("é", r"\\\u0000"), "a text holds the character NUL"),
        (("agent", "x" * 300_000), TOO_LONG),
        (('"agent": "é"', '"x": ' + "[" * 5000 + "]" * 5000), "it is nested too deeply"),
        (('"agent": "é"', '"x": ' + "[" * 33 + "]" * 33), "attributes are nested more than 32 deep"),
        (("Z", ""), "Expected `datetime` with a timezone component - at `started_at`"),
    ],
)
def test_the_reason_names_what_is_wrong(change: tuple[str, str], reason: str) -> None:
    bad = CALL.replace("{", '{"id": "found", ', 1).replace(*change)
    (rejection,) = decode(f"[{CALL}, {bad}]".encode(), Call).rejected
    assert (rejection.index, rejection.reason) == (1, reason)
    assert rejection.id == ("" if reason in ("it is nested too deeply", TOO_LONG) else "found")


def test_a_text_that_is_not_utf8_spoils_its_own_item_only() -> None:
    decoded = decode(b"[" + CALL.encode() + b"," + CALL.encode().replace(b'"m"', b'"\xff"') + b"]", Call)
    assert len(decoded.items) == 1
    assert decoded.rejected[0].reason == "it is not UTF-8"


@pytest.mark.parametrize("name", ["id", "execution_id", "task_id"])
def test_a_refused_item_is_named_by_its_id(name: str) -> None:
    body = json.dumps([{name: "x" * 500}, {name: 7}, {name: "\ud800"}]).encode()
    assert [one.id for one in decode(body, Execution).rejected] == ["x" * 100, "7", "?"]


def test_attributes_are_bounded_in_size_and_depth() -> None:
    def attributes(value: object) -> int:
        return len(decode(CALL.replace("}", f', "attributes": {json.dumps(value)}}}').encode(), Call).items)

    assert attributes({"a": "x" * (MAX_ATTRIBUTES - 8)}) == 1
    assert attributes({"a": "x" * (MAX_ATTRIBUTES - 7)}) == 0
    nest: object = 1
    for _ in range(MAX_DEPTH - 1):
        nest = [nest]
    assert attributes({"a": nest}) == 1
    assert attributes({"a": [nest]}) == 0
    assert attributes({"a": [[]] * 100}) == 1


@pytest.mark.parametrize("kind", [Call, Execution])
def test_ten_thousand_items_are_the_most(kind: type[Call]) -> None:
    assert len(decode(("\n".join([CALL] * MAX_ITEMS)).encode(), kind).items) == MAX_ITEMS
    for text in (CALL, "0", '{"model": "m", "start\\u0065d_at": "2025-10-24T12:00:00Z"}'):
        with pytest.raises(TooLarge):
            decode(f"[{','.join([text] * (MAX_ITEMS + 1))}]".encode(), kind)


def test_rejections_of_a_later_step_are_counted_by_their_places_in_the_body() -> None:
    assert renumbered([Rejection(1, "a", "late")], [4, 9]) == [Rejection(9, "a", "late")]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_gzip_of_any_members_is_unpacked(parts: list[bytes]) -> None:
    assert gunzip(b"".join(map(gzip.compress, parts))) == b"".join(parts)


@given(st.binary(max_size=100), st.data())
def test_gzip_that_is_cut_off_is_refused(content: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(content)
    with pytest.raises(BadBody, match="cut off"):
        gunzip(packed[: data.draw(st.integers(0, len(packed) - 1))])


def test_gzip_is_unpacked_up_to_its_limit_and_no_further() -> None:
    assert len(gunzip(gzip.compress(bytes(10**6)), limit=10**6)) == 10**6
    with pytest.raises(TooLarge):
        gunzip(gzip.compress(bytes(10**6 + 1)), limit=10**6)
    with pytest.raises(TooLarge):
        gunzip(gzip.compress(b"") * (parsers.MAX_MEMBERS + 1))
