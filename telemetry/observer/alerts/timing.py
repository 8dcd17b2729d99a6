"""When: which period a moment lies in, when quiet hours end, how long a message waits for its next attempt. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from telemetry.series.window import local_midnight

BACK_OFF = (  # after the first attempt, the second, …; the last one is not followed by another
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
MOST_ATTEMPTS = len(BACK_OFF) + 1
MOST_PATIENCE = timedelta(hours=6)  # with a receiver that says when to come again
_DAY = timedelta(days=1)


def period_of(now: datetime, *, period: str, tz: ZoneInfo) -> datetime:
    """The beginning of the hour or the day of a zone in which a moment lies, in UTC. An hour that the clocks repeat is
    two, for each lasts one hour."""
    if period == "day":
        return local_midnight(now.astimezone(tz).date(), tz)
    local = now.astimezone(tz)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return now.astimezone(UTC) - past


def quiet_until(now: datetime, *, start: time | None, end: time | None, tz: ZoneInfo) -> datetime | None:
    """When the quiet hours end in which a moment lies, in UTC; None where it lies in none. They begin and end once a
    night, at the first of two equal clock times, or where the clocks skip one, as far on as they would have been."""
    if start is None or end is None or start == end:
        return None
    today = now.astimezone(tz).date()
    for day in (today - _DAY, today, today + _DAY):
        begins = datetime.combine(day, start, tzinfo=tz).astimezone(UTC)
        ends = datetime.combine(day if start < end else day + _DAY, end, tzinfo=tz).astimezone(UTC)
        if begins <= now < ends:
            return ends
    return None


def next_attempt(now: datetime, *, attempts: int, retry_after_s: float | None = None) -> datetime | None:
    """When a message is tried again after so many attempts, or when its receiver says, if that is later; None: it is
    given up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    asked = timedelta(seconds=min(retry_after_s or 0.0, MOST_PATIENCE.total_seconds()))
    return now + max(BACK_OFF[attempts - 1], asked)
