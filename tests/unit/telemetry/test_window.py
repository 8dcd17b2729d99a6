"""Ranges are whole local days, half-open, and every instant falls into exactly one bucket."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.series.window import (
    PRESETS,
    QUARTER,
    BadWindow,
    Window,
    by_days,
    by_preset,
    parse_day,
    quarter_of,
    time_zone,
)

NOW = datetime(2026, 11, 20, 15, 22, 40, 999_999, tzinfo=UTC)
ZONES = (
    "UTC",
    "Asia/Kolkata",
    "America/St_Johns",
    "Europe/Madrid",
    "America/Los_Angeles",
    "Pacific/Apia",
    "Asia/Beirut",
)


def spans(window: Window) -> list[timedelta]:
    edges = [*window.edges(), window.end]
    return [after - before for before, after in pairwise(edges)]


def test_a_day_of_a_zone_with_a_half_hour_begins_at_its_own_midnight() -> None:
    window = by_days(date(2026, 11, 20), date(2026, 11, 20), zone="Asia/Kolkata")
    assert window.start == datetime(2026, 11, 19, 18, 30, tzinfo=UTC)
    assert window.end == datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 1), 24)])
def test_a_day_has_the_hours_that_its_clock_changes_leave_it(day: date, hours: int) -> None:
    window = by_days(day, day, zone="Europe/Madrid")
    assert window.end - window.start == timedelta(hours=hours)
    assert len(window.edges()) == hours


def test_days_over_a_clock_change_are_cut_at_local_midnights() -> None:
    window = by_days(date(2026, 10, 24), date(2026, 10, 27), zone="Europe/Madrid", bucket="1d")
    assert spans(window) == [timedelta(hours=hours) for hours in (24, 25, 24, 24)]


def test_a_day_whose_midnight_is_skipped_begins_where_the_clocks_jump_to() -> None:
    window = by_days(date(2022, 3, 26), date(2022, 3, 28), zone="Asia/Beirut", bucket="1d")
    assert spans(window) == [timedelta(hours=24), timedelta(hours=23), timedelta(hours=24)]


@settings(max_examples=200)
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2021, 1, 1), date(2027, 1, 1)),
    days=st.integers(0, 120),
    bucket=st.sampled_from(["auto", "1d", "1w", "1h"]),
)
def test_buckets_cover_a_range_without_gap_or_overlap(zone: str, first: date, days: int, bucket: str) -> None:
    try:
        window = by_days(first, first + timedelta(days=days), zone=zone, bucket=bucket)
    except BadWindow:
        assert bucket == "1h"
        return
    edges = window.edges()
    assert edges[0] == window.start
    assert all(before < after for before, after in pairwise([*edges, window.end]))
    assert window.first_day == first
    assert window.last_day == first + timedelta(days=days)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("preset", PRESETS)
def test_the_previous_window_ends_where_this_one_begins_or_before(preset: str, zone: str) -> None:
    window = by_preset(preset, zone=zone, now=NOW, first=date(2026, 1, 5))
    before = window.previous()
    assert before.start < before.end <= window.start


@pytest.mark.parametrize("bucket", ["15m", "1h", "1d"])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("preset", ["today", "24h", "7d", "mtd", "lm"])
def test_every_edge_of_a_window_lies_on_a_quarter_of_an_hour(preset: str, zone: str, bucket: str) -> None:
    window = by_preset(preset, zone=zone, now=NOW)
    if bucket == "1h" or window.end - window.start < timedelta(days=10):
        window = by_preset(preset, zone=zone, now=NOW, bucket=bucket)
    for one in (window, window.previous()):
        assert all(quarter_of(edge) == edge for edge in (*one.edges(), one.end))


def test_a_range_that_ends_now_ends_with_the_quarter_that_runs() -> None:
    window = by_preset("24h", zone="UTC", now=NOW)
    assert (window.start, window.end) == (
        datetime(2026, 11, 19, 15, 30, tzinfo=UTC),
        datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
    )
    on_the_edge = by_preset("today", zone="UTC", now=datetime(2026, 11, 20, tzinfo=UTC))
    assert on_the_edge.end - on_the_edge.start == QUARTER


def test_today_so_far_is_compared_with_yesterday_until_the_same_time() -> None:
    today = by_preset("today", zone="Europe/Madrid", now=NOW)
    assert (today.previous().start, today.previous().end) == (
        datetime(2026, 11, 18, 23, tzinfo=UTC),
        datetime(2026, 11, 19, 15, 30, tzinfo=UTC),
    )


def test_month_to_date_is_compared_with_the_month_before_until_the_same_day() -> None:
    before = by_preset("mtd", zone="UTC", now=NOW).previous()
    assert (before.start, before.end) == (
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 10, 20, 15, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "utc+1"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(BadWindow, match="IANA"):
        time_zone(zone)


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "", "2026-11-20T00:00:00"])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadWindow, match="not a date"):
        parse_day(text)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(BadWindow, match="before it begins"):
        by_days(date(2026, 2, 2), date(2026, 2, 1), zone="UTC")


def test_more_buckets_than_a_chart_can_show_are_refused() -> None:
    with pytest.raises(BadWindow, match="1500"):
        by_days(date(2026, 1, 1), date(2026, 12, 31), zone="UTC", bucket="15m")
