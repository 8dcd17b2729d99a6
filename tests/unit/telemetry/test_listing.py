"""A long list says where it stands, and every way out of it keeps what the address says and forgets the page."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from telemetry.dashboards import listing, pagestate
from telemetry.dashboards.listing import Listing
from telemetry.dashboards.pagestate import BadQuery

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
ORDERS = {"start": "Newest", "cost": "Cost"}


def listed(words: str) -> Listing:
    query = parse_qs(words, keep_blank_values=True)
    state = pagestate.read(
        "/executions/",
        query,
        dimensions=("agent", "provider"),
        zone="UTC",
        now=NOW,
        first_call_at=None,
        remembered={},
        own_words=listing.OWN_WORDS,
        own_filters=("status",),
    )
    return listing.read(state, query, orders=ORDERS)


def said(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def test_a_page_in_the_middle_says_where_it_stands_and_knows_both_neighbours() -> None:
    pager = listed("range=7d&sort=cost&page=2&agent=a").pager(120)
    assert pager.words == "51–100 of 120"
    assert said(pager.previous) == {"range": ["7d"], "sort": ["cost"], "agent": ["a"]}
    assert said(pager.following) == {"range": ["7d"], "sort": ["cost"], "agent": ["a"], "page": ["3"]}


@pytest.mark.parametrize(("page", "count", "words"), [(1, 50, "1–50 of 50"), (3, 101, "101–101 of 101")])
def test_the_last_page_has_none_after_it(page: int, count: int, words: str) -> None:
    pager = listed(f"page={page}").pager(count)
    assert (pager.words, pager.following) == (words, "")


def test_a_list_of_nothing_says_nothing() -> None:
    assert listed("").pager(0).words == ""


def test_a_page_behind_the_last_row_is_the_last_page() -> None:
    assert listed("page=9").within(120).page == 3
    assert listed("page=9").within(0).page == 1
    assert listed("page=2").within(120).page == 2


def test_an_order_leads_to_its_first_page_and_the_default_is_never_said() -> None:
    newest, cost = listed("sort=cost&page=3&agent=a").choices()
    assert (newest.current, said(newest.url)) == (False, {"agent": ["a"]})
    assert (cost.current, said(cost.url)) == (True, {"agent": ["a"], "sort": ["cost"]})


def test_filters_and_ranges_keep_the_order_and_forget_the_page() -> None:
    state = listed("sort=cost&page=3").state
    assert said(state.with_filter("agent", "a")) == {"sort": ["cost"], "agent": ["a"]}
    assert said(state.link(range="7d")) == {"sort": ["cost"], "range": ["7d"]}
    assert state.link("/models/") == "/models/"


def test_a_csv_is_of_the_page_that_is_shown_or_of_all_rows() -> None:
    assert said(listed("sort=cost&page=3").csv_link) == {"sort": ["cost"], "page": ["3"], "format": ["csv"]}
    everything = listed("rows=all&format=csv&page=3")
    assert (everything.limit, everything.offset) == (listing.MOST_CSV_ROWS + 1, 0)
    assert (listed("rows=all&page=3").limit, listed("rows=all&page=3").offset) == (50, 100)


@pytest.mark.parametrize(
    "words", ["sort=size", "page=0", "page=-1", "page=x", "page=1&page=1", "page=²", "page=99999999"]
)
def test_what_a_list_does_not_understand_is_said(words: str) -> None:
    with pytest.raises(BadQuery):
        listed(words)


def test_a_filter_that_a_list_cannot_be_narrowed_by_is_named_with_the_way_without_it() -> None:
    state = listed("provider=x&agent=a").state
    assert listing.unknown_filters(state, ("agent",)) == (("provider", "/executions/?agent=a"),)
