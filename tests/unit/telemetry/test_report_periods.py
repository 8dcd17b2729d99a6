"""A report's period is whole local days of one zone; the next begins where it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.observer.report import periods
from telemetry.observer.report.periods import BadPeriod, Kind, Period
from telemetry.series.window import time_zone

ZONES = ("UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Madrid", "America/St_Johns", "Pacific/Apia")
KINDS: tuple[Kind, ...] = ("daily", "weekly", "monthly")
DAYS = st.dates(date(2020, 2, 1), date(2099, 12, 1))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2025-11-06", date(2025, 11, 6), date(2025, 11, 6)),
        ("2025-W45", date(2025, 11, 3), date(2025, 11, 9)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("2025-11", date(2025, 11, 1), date(2025, 11, 30)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
    ],
)
def test_a_name_is_read_as_its_days(name: str, first: date, last: date) -> None:
    period = periods.read(name)
    assert (period.first_day, period.last_day, period.name) == (first, last, name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "yesterday", "20251106", "2026-11-6", "2025-1", "2025-11-06 ", "2025-11-06/..", "x" * 9000),
        *("2025-13", "2025-02-30", "2025-W54", "2025-W00", "2019-12-31", "9999-01"),
        "\N{ARABIC-INDIC DIGIT TWO}025-11",
    ],
)
def test_what_names_no_period_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(BadPeriod) as refused:
        periods.read(name)
    assert len(str(refused.value)) < 200


@given(day=DAYS, kind=st.sampled_from(KINDS), zone=st.sampled_from(ZONES))
def test_periods_follow_each_other_without_gap_or_overlap(day: date, kind: Kind, zone: str) -> None:
    period = periods.around(day, kind)
    start, end = period.bounds(zone)
    assert period.first_day <= day <= period.last_day
    assert periods.read(period.name) == period
    assert period.after().bounds(zone)[0] == end
    assert period.before().bounds(zone)[1] == start
    assert period.after().before() == period


@given(day=DAYS, zone=st.sampled_from(ZONES))
def test_a_week_and_a_month_begin_and_end_where_their_days_do(day: date, zone: str) -> None:
    for kind in ("weekly", "monthly"):
        period = periods.around(day, kind)
        first, last = periods.around(period.first_day, "daily"), periods.around(period.last_day, "daily")
        assert period.bounds(zone) == (first.bounds(zone)[0], last.bounds(zone)[1])


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", date(2025, 10, 26), 25),
        ("Europe/Madrid", date(2026, 3, 29), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2025, 10, 5), 23.5),
        ("Asia/Kolkata", date(2025, 11, 6), 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(zone: str, day: date, hours: float) -> None:
    start, end = periods.around(day, "daily").bounds(zone)
    assert end - start == timedelta(hours=hours)
    assert start.astimezone(time_zone(zone)).date() == day


def test_a_period_is_over_at_its_last_midnight_and_not_before() -> None:
    day = Period("daily", date(2025, 11, 6), date(2025, 11, 6))
    midnight = datetime(2025, 11, 6, 18, 30, tzinfo=UTC)  # of the 7th in Kolkata
    assert not day.is_over("Asia/Kolkata", midnight - timedelta(microseconds=1))
    assert day.is_over("Asia/Kolkata", midnight)
    assert not day.has_begun("Asia/Kolkata", midnight - timedelta(days=1, microseconds=1))
    assert day.has_begun("Asia/Kolkata", midnight - timedelta(days=1))


@pytest.mark.parametrize(
    ("zone", "name", "due"),
    [
        ("UTC", "2025-11-06", datetime(2025, 11, 7, 3, tzinfo=UTC)),
        ("Europe/Madrid", "2025-10-25", datetime(2025, 10, 26, 2, tzinfo=UTC)),  # after the hour that came twice
        ("Asia/Kolkata", "2025-W45", datetime(2025, 11, 9, 21, 30, tzinfo=UTC)),
        ("Asia/Kolkata", "2025-11", datetime(2025, 11, 30, 21, 30, tzinfo=UTC)),
    ],
)
def test_a_report_is_due_when_the_project_s_clocks_show_its_hour(zone: str, name: str, due: datetime) -> None:
    assert periods.read(name).due_at(zone, 3) == due
