"""Which days, weeks and months are due, in every zone and over every clock change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.jobs.schedule import HORIZON_DAYS, Cycle, Period, due

MADRID = ZoneInfo("Europe/Madrid")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def days(now: datetime, *, tz: ZoneInfo = MADRID, hour: int = 1, first_at: datetime | None = LONG_AGO) -> list[str]:
    return [period.name for period in due("day", now=now, tz=tz, hour=hour, first_at=first_at)]


def local(year: int, month: int, day: int, hour: int = 0, tz: ZoneInfo = MADRID) -> datetime:
    return datetime(year, month, day, hour, tzinfo=tz).astimezone(UTC)


def test_yesterday_is_due_from_the_hour_of_the_projects_zone_on() -> None:
    at = local(2025, 11, 7, 1)
    assert days(at - SECOND)[-1] == "2025-11-05"
    assert days(at)[-1] == "2025-11-06"


def test_today_is_never_due() -> None:
    assert days(local(2025, 11, 7, 23))[-1] == "2025-11-06"
    assert days(local(2025, 11, 8) - SECOND, hour=0)[-1] == "2025-11-06"
    assert days(local(2025, 11, 8), hour=0)[-1] == "2025-11-07"


def test_what_was_missed_is_due_in_order_and_not_older_than_the_horizon() -> None:
    found = days(local(2025, 11, 7, 12))
    assert found == [(date(2025, 11, 7) - n * timedelta(days=1)).isoformat() for n in range(HORIZON_DAYS, 0, -1)]


def test_a_project_without_data_has_nothing_due() -> None:
    assert days(local(2025, 11, 7, 12), first_at=None) == []


def test_a_project_has_nothing_due_of_days_before_its_first_data() -> None:
    now = local(2025, 11, 7, 12)
    assert days(now, first_at=local(2025, 11, 5) - SECOND) == ["2025-11-04", "2025-11-05", "2025-11-06"]
    assert days(now, first_at=local(2025, 11, 5)) == ["2025-11-05", "2025-11-06"]
    assert days(now, first_at=now - HOUR) == []
    assert days(now, first_at=now + 365 * 24 * HOUR) == []


def test_a_week_is_due_when_its_sunday_is_over() -> None:
    sunday_over = local(2025, 11, 10, 1)
    weeks = due("week", now=sunday_over, tz=MADRID, hour=1, first_at=LONG_AGO)
    assert weeks[-1] == Period("2025-W45", date(2025, 11, 3), date(2025, 11, 9))
    assert [week.name for week in weeks] == ["2025-W41", "2025-W42", "2025-W43", "2025-W44", "2025-W45"]
    assert due("week", now=sunday_over - SECOND, tz=MADRID, hour=1, first_at=LONG_AGO)[-1].name == "2025-W44"


def test_a_week_of_two_years_bears_the_year_of_its_thursday() -> None:
    weeks = due("week", now=local(2026, 1, 6), tz=MADRID, hour=1, first_at=LONG_AGO)
    assert weeks[-1] == Period("2026-W01", date(2025, 12, 29), date(2026, 1, 4))


def test_a_month_is_due_when_its_last_day_is_over() -> None:
    months = due("month", now=local(2025, 12, 1, 1), tz=MADRID, hour=1, first_at=LONG_AGO)
    assert months[-1] == Period("2025-11", date(2025, 11, 1), date(2025, 11, 30))
    assert due("month", now=local(2025, 12, 1, 1) - SECOND, tz=MADRID, hour=1, first_at=LONG_AGO) == months[:-1]
    [february] = due("month", now=local(2024, 3, 20), tz=MADRID, hour=1, first_at=LONG_AGO)
    assert february == Period("2024-02", date(2024, 2, 1), date(2024, 2, 29))


def test_a_week_or_month_with_data_on_its_last_day_only_is_due() -> None:
    first_at = local(2025, 11, 30, 23)
    assert [
        due(c, now=local(2025, 12, 2), tz=MADRID, hour=1, first_at=first_at)[0].name for c in ("week", "month")
    ] == [
        "2025-W48",
        "2025-11",
    ]


@pytest.mark.parametrize("hour", [2, 3])
def test_an_hour_that_clocks_skip_comes_when_they_jump(hour: int) -> None:
    jump = datetime(2025, 3, 30, 1, tzinfo=UTC)  # 02:00 becomes 03:00
    assert days(jump - SECOND, hour=hour)[-1] == "2025-03-28"
    assert days(jump, hour=hour)[-1] == "2025-03-29"


def test_an_hour_that_clocks_show_twice_counts_once_and_at_the_first() -> None:
    first_two = datetime(2025, 10, 26, 0, tzinfo=UTC)
    assert days(first_two - SECOND, hour=2)[-1] == "2025-10-24"
    assert {days(first_two + n * HOUR, hour=2)[-1] for n in range(20)} == {"2025-10-25"}


def test_a_day_that_a_zone_left_out_is_never_due() -> None:
    apia = ZoneInfo("Pacific/Apia")  # went from the 29th to the 31st of December 2011
    found = days(local(2012, 1, 3, 12, apia), tz=apia, first_at=datetime(2000, 1, 1, tzinfo=UTC))
    assert found[-4:] == ["2011-12-29", "2011-12-31", "2012-01-01", "2012-01-02"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seconds=st.integers(0, 70 * 365 * 24 * 3600),
    zone=st.sampled_from(sorted(available_timezones())),
    hour=st.integers(0, 23),
    cycle=st.sampled_from(("day", "week", "month")),
)
def test_in_any_zone_periods_are_over_in_order_without_gaps_and_each_becomes_due_once(
    seconds: int, zone: str, hour: int, cycle: Cycle
) -> None:
    now = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    tz, ever = ZoneInfo(zone), datetime(1900, 1, 1, tzinfo=UTC)
    found = due(cycle, now=now, tz=tz, hour=hour, first_at=ever)
    today = now.astimezone(tz).date()
    assert all(period.first <= period.last < today for period in found)
    assert found == sorted(found, key=lambda period: period.first)
    assert len({period.name for period in found}) == len(found)
    gaps = {(after.first - before.last).days for before, after in pairwise(found)}
    assert gaps <= {1, 2}  # 2: a day that the zone left out
    later = due(cycle, now=now + 20 * 24 * HOUR, tz=tz, hour=hour, first_at=ever)
    kept = [
        period
        for period in found
        if period.last >= (now + 20 * 24 * HOUR).astimezone(tz).date() - HORIZON_DAYS * 24 * HOUR
    ]
    assert later[: len(kept)] == kept
