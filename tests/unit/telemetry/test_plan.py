"""A question is answered from the fewest rows that can answer it, and its pieces make up its range."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.series.plan import BRIEF, Piece, may_read_days, pieces, reads_calls
from telemetry.series.window import Window, by_days, by_preset, local_midnight, time_zone

ZONES = ("UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Madrid", "America/St_Johns")
NOW = datetime(2026, 11, 20, 15, 22, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def planned(window: Window, *dimensions: str, zone: str | None = "UTC", cut: bool = False) -> list[tuple[str, float]]:
    """The tables that a question reads, each with the days that its piece is long."""
    edges = [*window.edges(), window.end] if cut else [window.start, window.end]
    day_zone = time_zone(zone) if zone else None
    return [
        (piece.table, (piece.end - piece.start) / timedelta(days=1)) for piece in pieces(edges, dimensions, day_zone)
    ]


def test_whole_days_come_from_days_and_today_from_quarters() -> None:
    window = by_preset("7d", zone="UTC", now=NOW)
    assert planned(window, "model") == [("rollup_brief_1d", 6), ("rollup_brief_15m", 15.5 / 24)]
    assert planned(window, "model", cut=True) == planned(window, "model")


def test_a_range_that_ends_after_the_newest_call_ends_with_a_whole_day() -> None:
    window = by_preset("7d", zone="UTC", now=NOW)
    edges, utc = [window.start, window.end], time_zone("UTC")
    (whole,) = pieces(edges, ["model"], utc, newest_call_at=window.end - timedelta(microseconds=1))
    assert whole == Piece("rollup_brief_1d", window.start, datetime(2026, 11, 21, tzinfo=UTC))
    assert len(pieces(edges, ["model"], utc, newest_call_at=window.end)) == 2
    (calls,) = pieces(edges, ["source"], utc, newest_call_at=window.start)
    assert calls == Piece("call", window.start, window.end)


def test_histograms_of_sessions_are_asked_of_calls() -> None:
    edges = [MIDNIGHT, MIDNIGHT + timedelta(days=1)]
    assert pieces(edges, ["session"], None, histograms=True)[0].table == "call"
    assert pieces(edges, ["model"], None, histograms=True)[0].table == "rollup_brief_15m"


def test_a_question_of_sessions_reads_the_rollups_of_sessions() -> None:
    window = by_days(date(2026, 11, 1), date(2026, 11, 2), zone="UTC")
    assert planned(window, "session", "model") == [("rollup_session_1d", 2)]
    assert planned(by_preset("24h", zone="UTC", now=NOW), "session") == [("rollup_session_15m", 1)]


@pytest.mark.parametrize("dimension", ["host", "session_type", "tier"])
def test_what_brief_rollups_leave_out_is_asked_of_full_ones(dimension: str) -> None:
    window = by_preset("7d", zone="UTC", now=NOW)
    assert [table for table, _ in planned(window, "model", dimension)] == ["rollup_1d", "rollup_15m"]
    assert [table for table, _ in planned(window, *BRIEF)] == ["rollup_brief_1d", "rollup_brief_15m"]


@pytest.mark.parametrize("dimension", ["execution", "subagent", "objective", "skill", "source"])
def test_what_no_rollup_keeps_is_asked_of_calls(dimension: str) -> None:
    window = by_preset("7d", zone="UTC", now=NOW)
    assert [table for table, _ in planned(window, dimension, "session")] == ["call"]


def test_an_edge_inside_a_quarter_is_asked_of_calls() -> None:
    assert reads_calls((), [MIDNIGHT, MIDNIGHT + timedelta(minutes=20)])
    assert not reads_calls((), [MIDNIGHT, MIDNIGHT + timedelta(minutes=30)])


def test_hours_come_from_quarters_and_need_no_zone() -> None:
    window = by_days(date(2026, 11, 1), date(2026, 11, 2), zone="UTC", bucket="1h")
    assert planned(window, "model", cut=True) == [("rollup_brief_15m", 2)]
    assert not may_read_days(window.edges())
    assert may_read_days([window.start, window.end])


def test_without_daily_rows_there_are_quarters() -> None:
    assert planned(by_preset("7d", zone="UTC", now=NOW), zone=None)[0][0] == "rollup_brief_15m"


def test_a_range_in_another_zone_finds_whole_days_in_its_middle_but_no_day_within_a_day() -> None:
    window = by_days(date(2026, 11, 1), date(2026, 11, 10), zone="Asia/Kolkata", bucket="1d")
    assert planned(window) == [("rollup_brief_15m", 5.5 / 24), ("rollup_brief_1d", 9), ("rollup_brief_15m", 18.5 / 24)]
    assert planned(window, cut=True) == [("rollup_brief_15m", 10)]
    assert [table for table, _ in planned(window, cut=True, zone="Asia/Colombo")] == ["rollup_brief_1d"]


def test_a_range_in_too_many_pieces_is_read_in_quarters() -> None:
    weeks = by_days(date(2026, 1, 1), date(2026, 7, 1), zone="Asia/Kolkata", bucket="1w")
    assert len(planned(weeks, cut=True, zone="UTC")) == 53
    years = by_days(date(2024, 1, 1), date(2026, 7, 1), zone="Asia/Kolkata", bucket="1w")
    assert [table for table, _ in planned(years, cut=True, zone="UTC")] == ["rollup_brief_15m"]


@settings(max_examples=300)
@given(
    zone=st.sampled_from(ZONES),
    day_zone=st.sampled_from(ZONES),
    first=st.dates(date(2024, 1, 1), date(2027, 1, 1)),
    days=st.integers(0, 60),
    bucket=st.sampled_from(["1h", "1d", "1w"]),
    cut=st.booleans(),
)
def test_pieces_make_up_the_range_and_a_day_is_read_whole_and_in_one_bucket(
    zone: str, day_zone: str, first: date, days: int, bucket: str, cut: bool
) -> None:
    window = by_days(first, first + timedelta(days=days), zone=zone, bucket=bucket)
    edges = [*window.edges(), window.end] if cut else [window.start, window.end]
    found = pieces(edges, ["model"], time_zone(day_zone))
    assert (found[0].start, found[-1].end) == (window.start, window.end)
    assert all(before.end == after.start for before, after in pairwise(found))
    for piece in found:
        assert piece.start < piece.end
        if piece.table == "rollup_brief_1d":
            assert_no_day_is_cut(piece, edges, day_zone)


def assert_no_day_is_cut(piece: Piece, edges: list[datetime], day_zone: str) -> None:
    midnights = {local_midnight(piece.start.astimezone(time_zone(day_zone)).date(), time_zone(day_zone))}
    at = piece.start
    while at < piece.end:
        at = local_midnight(at.astimezone(time_zone(day_zone)).date() + timedelta(days=1), time_zone(day_zone))
        midnights.add(at)
    assert {piece.start, piece.end} <= midnights
    assert {edge for edge in edges if piece.start < edge < piece.end} <= midnights
