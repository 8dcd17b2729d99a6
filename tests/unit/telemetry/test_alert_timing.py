"""Periods, quiet hours and the distance of attempts, over the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from telemetry.observer.alerts.timing import BACK_OFF, MOST_ATTEMPTS, next_attempt, period_of, quiet_until

MADRID, KOLKATA, NEW_YORK = ZoneInfo("Europe/Madrid"), ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def quiet(text: str, start: str, end: str, tz: ZoneInfo = MADRID) -> datetime | None:
    return quiet_until(at(text), start=time.fromisoformat(start), end=time.fromisoformat(end), tz=tz)


@pytest.mark.parametrize(
    ("moment", "period", "tz", "begins"),
    [
        ("2026-11-20T12:34:56", "hour", MADRID, "2026-11-20T12:00"),
        ("2026-11-20T12:34:56", "hour", KOLKATA, "2026-11-20T12:30"),
        ("2026-11-20T22:59", "day", MADRID, "2026-11-19T23:00"),
        ("2026-11-20T23:00", "day", MADRID, "2026-11-20T23:00"),
        ("2026-10-25T00:30", "hour", MADRID, "2026-10-25T00:00"),  # 02:30 for the first time
        ("2026-10-25T01:30", "hour", MADRID, "2026-10-25T01:00"),  # and for the second
    ],
)
def test_a_period_is_an_hour_or_a_day_of_the_zone(moment: str, period: str, tz: ZoneInfo, begins: str) -> None:
    assert period_of(at(moment), period=period, tz=tz) == at(begins)


def test_quiet_hours_may_span_midnight() -> None:
    assert quiet("2026-11-20T21:30", "22:00", "07:00") == at("2026-11-21T06:00")
    assert quiet("2026-11-21T05:59", "22:00", "07:00") == at("2026-11-21T06:00")
    assert quiet("2026-11-21T06:00", "22:00", "07:00") is None
    assert quiet("2026-11-20T20:59", "22:00", "07:00") is None


def test_quiet_hours_may_lie_within_a_day() -> None:
    assert quiet("2026-11-20T12:00", "12:30", "14:00") == at("2026-11-20T13:00")
    assert quiet("2026-11-20T13:00", "12:30", "14:00") is None


def test_a_night_in_which_clocks_go_back_is_one_hour_longer_and_quiet_once() -> None:
    assert quiet("2026-10-24T21:00", "22:00", "07:00") == at("2026-10-25T06:00")  # ten hours
    # 02:30 comes twice; what ended at the first is not quiet again before the second
    assert quiet("2026-10-25T00:29", "22:00", "02:30") == at("2026-10-25T00:30")
    assert quiet("2026-10-25T00:31", "22:00", "02:30") is None
    assert quiet("2026-10-25T01:15", "22:00", "02:30") is None


def test_a_night_in_which_clocks_go_forward_is_one_hour_shorter_and_ends() -> None:
    assert quiet("2026-03-28T22:00", "22:00", "07:00") == at("2026-03-29T05:00")  # eight hours
    assert quiet("2026-03-29T00:45", "22:00", "02:30") == at("2026-03-29T01:30")  # there is no 02:30: 03:30
    assert quiet("2026-03-08T06:59", "01:00", "02:15", NEW_YORK) == at("2026-03-08T07:15")
    assert quiet("2026-03-08T07:16", "01:00", "02:15", NEW_YORK) is None


def test_without_both_ends_nothing_is_quiet() -> None:
    assert quiet_until(at("2026-11-20T02:00"), start=None, end=time(7), tz=MADRID) is None
    assert quiet("2026-11-20T02:00", "07:00", "07:00") is None


def test_attempts_are_further_and_further_apart_and_end() -> None:
    now = at("2026-11-20T12:00")
    waits = []
    for attempts in range(1, MOST_ATTEMPTS):
        again = next_attempt(now, attempts=attempts)
        assert again is not None
        waits.append(again - now)
    assert waits == sorted(set(waits)) == list(BACK_OFF)
    assert next_attempt(now, attempts=MOST_ATTEMPTS) is None


def test_a_receiver_says_when_to_come_again_within_reason() -> None:
    now = at("2026-11-20T12:00")
    assert next_attempt(now, attempts=1, retry_after_s=90) == now + timedelta(seconds=90)
    assert next_attempt(now, attempts=1, retry_after_s=1) == now + BACK_OFF[0]
    assert next_attempt(now, attempts=1, retry_after_s=1e9) == now + timedelta(hours=6)
