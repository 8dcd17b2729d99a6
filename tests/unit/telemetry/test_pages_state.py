"""An address says everything that a page shows, and links say it on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.dashboards import pagestate
from telemetry.dashboards.pagestate import BadQuery, PageState
from telemetry.series.queries import DIMENSIONS
from telemetry.series.window import DEFAULT_PRESET, PRESETS, BadWindow

NOW = datetime(2026, 11, 20, 20, 3, tzinfo=UTC)
FIRST = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)


def read(address: str = "", remembered: dict[str, str] | None = None, zone: str = "Europe/Madrid") -> PageState:
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(address, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return pagestate.read(
        "/",
        query,
        dimensions=DIMENSIONS,
        zone=zone,
        now=NOW,
        first_call_at=FIRST,
        remembered=remembered or {},
    )


def said(link: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(link).query, keep_blank_values=True)


def test_an_address_without_a_range_shows_the_default_and_does_not_say_so() -> None:
    state = read()
    assert state.window.preset == DEFAULT_PRESET
    assert state.link() == "/"


def test_an_address_without_a_range_shows_the_last_range_of_the_person() -> None:
    assert read("", {"range": "90d"}).window.preset == "90d"
    assert read("", {"from": "2026-03-01", "to": "2026-03-05"}).window.first_day == date(2026, 3, 1)


def test_the_address_wins_over_what_is_remembered() -> None:
    assert read("range=7d", {"range": "90d"}).window.preset == "7d"


@pytest.mark.parametrize("remembered", [{"range": "5y"}, {"from": "x"}, {"to": "2026-01-01"}, {"other": "7d"}])
def test_what_is_remembered_wrongly_is_forgotten(remembered: dict[str, str]) -> None:
    assert read("", remembered).window.preset == DEFAULT_PRESET


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_understood_and_remembered_by_its_name(preset: str) -> None:
    state = read(f"range={preset}")
    assert state.window.preset == preset
    assert state.range_words == {"range": preset}


def test_dates_are_whole_local_days_and_both_count() -> None:
    window = read("from=2026-11-01&to=2026-11-02&tz=Asia/Kolkata").window
    assert window.start == datetime(2026, 10, 31, 18, 30, tzinfo=UTC)
    assert window.end == datetime(2026, 11, 2, 18, 30, tzinfo=UTC)


def test_a_range_without_an_end_runs_until_today() -> None:
    assert read("from=2026-11-01").window.last_day == date(2026, 11, 20)


def test_everything_begins_on_the_local_day_of_the_oldest_call() -> None:
    assert read("range=all", zone="Asia/Kolkata").window.first_day == date(2026, 1, 6)
    assert read("range=all", zone="America/St_Johns").window.first_day == date(2026, 1, 5)


def test_a_page_compares_unless_told_not_to_or_nothing_can_stand_before() -> None:
    assert read("range=7d").previous is not None
    assert read("range=7d&cmp=off").previous is None
    assert read("range=all").previous is None
    assert read("from=2020-01-01&to=2020-01-05").previous is None


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("metric=calls", "metrics are tokens, cost"),
        ("cmp=yoy", "use prev or off"),
        ("range=7d&from=2026-01-01", "either range, or from and to"),
        ("to=2026-01-01", "needs a beginning"),
        ("range=7d&range=30d", "2 times"),
        ("model=a%00b", "no call can bear"),
        ("agent=" + "a" * 301, "no call can bear"),
        ("&".join(f"agent=a{n}" for n in range(51)), "50 are the most"),
    ],
)
def test_an_address_that_cannot_be_shown_is_refused_with_a_reason(address: str, says: str) -> None:
    with pytest.raises(BadQuery, match=says):
        read(address)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("range=5d", "not a range"),
        ("from=2026-02-30", "not a date"),
        ("from=2026-03-02&to=2026-03-01", "ends"),
        ("tz=Mars/Base", "not an IANA time zone"),
        ("from=1970-01-01&to=1970-01-02", "2020-01-01"),
    ],
)
def test_a_range_or_zone_that_does_not_exist_is_refused_with_a_reason(address: str, says: str) -> None:
    with pytest.raises(BadWindow, match=says):
        read(address)


def test_words_that_a_page_does_not_know_are_neither_an_error_nor_passed_on() -> None:
    assert read("utm_source=x&range=7d").link() == "/?range=7d"


def test_a_filter_may_ask_for_calls_that_do_not_bear_the_dimension() -> None:
    assert read("task_type=").filters == {"task_type": ("",)}


def test_a_filter_is_added_once_and_taken_away_alone() -> None:
    state = read("range=7d&agent=a&agent=b")
    assert said(state.with_filter("agent", "a")) == [("range", "7d"), ("agent", "b"), ("agent", "a")]
    assert said(state.without_filter("agent", "a")) == [("range", "7d"), ("agent", "b")]


def test_format_and_rows_are_not_carried_from_page_to_page() -> None:
    assert read("range=7d&format=csv&table=agents&rows=all").link("/models/") == "/models/?range=7d"


def test_all_rows_are_for_csv_only() -> None:
    assert read("format=csv&rows=all").all_rows
    assert not read("rows=all").all_rows


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(DIMENSIONS)), st.text(max_size=40).filter(lambda t: "\0" not in t)), max_size=8
    )
)
def test_a_link_says_exactly_the_filters_that_were_read(filters: list[tuple[str, str]]) -> None:
    query: dict[str, list[str]] = {}
    for name, value in filters:
        query.setdefault(name, []).append(value)
    state = pagestate.read("/", query, dimensions=DIMENSIONS, zone="UTC", now=NOW, first_call_at=None, remembered={})
    assert set(said(state.link())) == set(filters)


def test_a_long_range_is_cut_into_weeks_where_a_page_counts_days() -> None:
    assert read("range=24h").by_day().window.bucket == "1d"
    assert read("from=2026-01-01&to=2026-07-19").by_day().window.bucket == "1d"
    assert read("from=2026-01-01&to=2026-07-20").by_day().window.bucket == "1w"


def test_what_only_one_page_knows_stays_in_its_links_and_leads_to_no_other() -> None:
    query = {"sort": ["newest"], "severity": ["high"], "agent": ["builder"]}
    state = pagestate.read(
        "/anomalies/",
        query,
        dimensions=DIMENSIONS,
        zone="UTC",
        now=NOW,
        first_call_at=None,
        remembered={},
        own_words=("sort",),
        own_filters=("severity",),
    )
    assert said(state.link(range="7d")) == [
        *(("sort", "newest"), ("severity", "high"), ("agent", "builder")),
        ("range", "7d"),
    ]
    assert state.link("/models/") == "/models/?agent=builder"
    assert state.filters == {"severity": ("high",), "agent": ("builder",)}


def test_a_word_that_a_page_does_not_know_is_not_said_on() -> None:
    assert read("sort=newest&severity=high").link() == "/"
