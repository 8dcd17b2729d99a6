"""Days are made of whole quarters of an hour, in every zone, and follow each other without a gap."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from telemetry.series.buckets import MINUTE, QUARTER, all_days, day_span, days, floor, spans
from telemetry.series.window import local_midnight, zone_names

NOON = datetime(2026, 3, 7, 12, 7, 31, 250, tzinfo=UTC)
CLOCKS_CHANGE = {  # days on which midnight is not what it is elsewhere
    "America/Santiago": date(2026, 9, 6),  # skipped
    "America/Havana": date(2026, 11, 1),  # twice
    "Australia/Lord_Howe": date(2026, 4, 5),  # half an hour
    "America/St_Johns": date(2026, 3, 8),
    "Europe/Madrid": date(2026, 10, 25),
}


def test_every_local_midnight_of_every_zone_is_a_quarter_of_an_hour() -> None:
    dates = [date(2020, 1, 1) + timedelta(days=n) for n in range(0, 366 * 8, 20)]
    midnights = {zone: [local_midnight(day, ZoneInfo(zone)) for day in dates] for zone in zone_names()}
    assert [zone for zone, of_zone in midnights.items() if any(at != floor(at, QUARTER) for at in of_zone)] == []


@pytest.mark.parametrize("zone", CLOCKS_CHANGE)
def test_each_quarter_lies_in_the_one_day_that_begins_before_it(zone: str) -> None:
    tz, day = ZoneInfo(zone), CLOCKS_CHANGE[zone]
    start, end = day_span(day - timedelta(days=2), tz)[0], day_span(day + timedelta(days=2), tz)[1]
    quarters = [start + n * QUARTER for n in range((end - start) // QUARTER)]
    found = {quarter: days([quarter], tz) for quarter in quarters}
    assert all(len(one) == 1 and one[0][0] <= quarter < one[0][1] for quarter, one in found.items())
    assert all_days(start, end - QUARTER, tz) == days(quarters, tz)


@pytest.mark.parametrize("zone", [*CLOCKS_CHANGE, "Asia/Kathmandu", "UTC"])
def test_days_follow_each_other_without_a_gap(zone: str) -> None:
    tz = ZoneInfo(zone)
    year = all_days(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 30, tzinfo=UTC), tz)
    assert all(first[1] == second[0] for first, second in pairwise(year))
    assert {start.astimezone(tz).date() for start, _ in year} == {
        year[0][0].astimezone(tz).date() + timedelta(days=n) for n in range(len(year))
    }


def test_moments_of_any_zone_fall_into_the_same_buckets() -> None:
    elsewhere = NOON.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert spans([NOON, elsewhere], MINUTE) == [(floor(NOON, MINUTE), floor(NOON, MINUTE) + MINUTE)]
    assert floor(elsewhere, QUARTER) == datetime(2026, 3, 7, 12, tzinfo=UTC)
