"""Any text is one part of an address, and comes back from it letter by letter."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from django.urls import resolve, reverse
from hypothesis import given
from hypothesis import strategies as st

IDS = (
    *(
        "run-1",
        "a/b",
        "/",
        "//",
        "a//b/",
        "..",
        ".",
        "../../admin/",
        "...",
        "100%",
        "%2F",
        "a%2fb",
        "%",
        "?page=2#x",
        "a b",
    ),
    *("\\", "\n", "a\r\nb", "\u202etfel", "日本", "=cmd()", "<script>alert(1)</script>", "'\"&;", "x" * 300),
)


def part_of(name: str, key: str) -> str:
    """The part of the path that is the id, as a browser sends it."""
    return urlsplit(reverse(name, args=[key])).path.removeprefix(f"/{name}s/").removesuffix("/")


@pytest.mark.parametrize("name", ["execution", "session"])
@pytest.mark.parametrize("key", IDS)
def test_an_id_comes_back_from_its_address(name: str, key: str) -> None:
    address = reverse(name, args=[key])
    assert list(resolve(unquote(urlsplit(address).path)).kwargs.values()) == [key]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300))
def test_whatever_it_holds(key: str) -> None:
    match = resolve(unquote(urlsplit(reverse("execution", args=[key])).path))
    assert (match.url_name, match.kwargs) == ("execution", {"execution_id": key})


@pytest.mark.parametrize("key", IDS)
def test_an_id_is_one_part_of_the_path_and_leads_nowhere_else(key: str) -> None:
    part = part_of("execution", key)
    assert "/" not in part
    assert part not in (".", "..")
    assert not {part.lower()} & {"%2e", "%2e%2e", ".%2e", "%2e."}  # a browser takes these for dots
    assert part.isascii()


def test_an_id_that_was_encoded_once_by_hand_is_found() -> None:
    assert resolve("/executions/a/b/").kwargs == {"execution_id": "a/b"}


def test_a_plain_id_stays_readable() -> None:
    assert reverse("execution", args=["run-1:2"]) == "/executions/run-1:2/"
