"""What is the same question, and what only looks like it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import Struct

from routing.cache.fingerprint import Unfit, canonical, fingerprint
from tests.traps import pairs

WORDS = some.text(max_size=4)
VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-3, 3)
    | some.floats(allow_nan=False)
    | WORDS
    | some.binary(max_size=3),
    lambda inner: some.lists(inner, max_size=3) | some.tuples(inner) | some.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@dataclass(frozen=True)
class Point:
    x: int


class Place(Struct, frozen=True):
    x: int


class Colour(Enum):
    RED = 1
    ROSE = "RED"


def key(operation: str = "f", version: int = 1, tenant: str = "1", **arguments: Any) -> str:
    return fingerprint(operation, version=version, tenant=tenant, arguments=arguments)


def same_type(one: Any, other: Any) -> bool:
    """Whether two values are the same to the type, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_type(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_type, one, other))
    return bool(one == other) and str(one) == str(other)


@given(VALUES, VALUES)
def test_two_values_are_written_alike_only_where_they_are_the_same(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) is same_type(one, other)


@given(some.dictionaries(WORDS, VALUES, max_size=5))
def test_the_order_of_a_dict_does_not_matter(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical(turned) == canonical(value)
    assert canonical([turned]) != canonical([[turned]])


def test_no_pair_of_a_thousand_that_look_alike_is_the_same_question() -> None:
    assert len(pairs()) > 900
    assert [pair for pair in pairs() if key(asked=pair[0]) == key(asked=pair[1])] == []


def test_a_key_that_overlooks_what_looks_void_gives_wrong_hits() -> None:
    def lenient(value: Any) -> str:
        return " ".join(json.dumps(value, default=str, sort_keys=True).casefold().replace('"', "").split())

    assert len([pair for pair in pairs() if lenient(pair[0]) == lenient(pair[1])]) > 15


def test_operation_version_tenant_and_the_names_of_arguments_are_part_of_it() -> None:
    keys = [
        key(a=1),
        key("g", a=1),
        key(version=2, a=1),
        key(tenant="2", a=1),
        key(tenant="", a=1),
        key(b=1),
        key(a=1, b=1),
        key("f1", tenant="", a=1),
    ]
    assert len(set(keys)) == len(keys)
    assert key(a=1, b=2) == key(b=2, a=1)


def test_what_is_no_plain_value_is_told_apart_by_its_class() -> None:
    zones = [ZoneInfo("Europe/Madrid"), ZoneInfo("Europe/Paris")]
    assert canonical(Point(1)) != canonical(Place(1)) != canonical({"x": 1})
    assert canonical(Point(1)) == canonical(Point(1)) != canonical(Point(True))
    assert canonical(Colour.RED) != canonical(Colour.ROSE)
    with pytest.raises(Unfit):
        canonical(zones)


def test_a_path_stands_for_what_the_file_holds() -> None:
    holds = {PurePath("a"): b"1", PurePath("b"): b"1", PurePath("c"): b"2"}
    written = [canonical(path, content=holds.__getitem__) for path in holds]
    assert len(set(written)) == 3
    before = canonical(PurePath("a"), content=lambda _: b"1")
    assert canonical(PurePath("a"), content=lambda _: b"2") != before == written[0]
    with pytest.raises(Unfit, match="says nothing"):
        canonical(Path("a"))


@pytest.mark.parametrize("value", [object(), lambda: None, type("Text", (str,), {})("a"), iter([])])
def test_what_cannot_be_compared_is_refused(value: object) -> None:
    with pytest.raises(Unfit, match="cannot be compared"):
        canonical([value])


def test_what_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Unfit, match="too deeply"):
        canonical(endless)
