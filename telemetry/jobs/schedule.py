"""Which days, weeks and months of a project are due. Pure; `now` is an argument.

A period is due once its last day is over and the project's hour of the day after has come, as the clocks of its zone
show it. What was missed is due as well, for HORIZON_DAYS back; what is older stays undone, for nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

HORIZON_DAYS = 35  # a month, and some days to notice
Cycle = Literal["day", "week", "month"]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from `first` to `last`, inclusive, by the name that is theirs: 2025-11-06, 2025-W45 or 2025-11."""

    name: str
    first: date
    last: date


def due(cycle: Cycle, *, now: datetime, tz: ZoneInfo, hour: int, first_at: datetime | None) -> list[Period]:
    """The periods that are due, oldest first. `first_at` is the first moment of which the project holds anything (None:
    it holds nothing); a period that ends before is never due, nor a day that a zone left out."""
    if first_at is None:
        return []
    last = _last_due_day(now, tz, hour)
    oldest = max(now.astimezone(tz).date() - HORIZON_DAYS * _DAY, first_at.astimezone(tz).date())
    return [
        period
        for period in _periods(cycle, oldest, last)
        if first_at < _instant(period.last + _DAY, tz) and _instant(period.first, tz) < _instant(period.last + _DAY, tz)
    ]


def _last_due_day(now: datetime, tz: ZoneInfo, hour: int) -> date:
    """The newest local day after which the hour has come."""
    day = now.astimezone(tz).date()
    while _instant(day + _DAY, tz, hour) > now:
        day -= _DAY
    return day


def _periods(cycle: Cycle, oldest: date, last: date) -> Iterator[Period]:
    """The periods that end in [oldest, last]."""
    day = oldest
    while day <= last:
        period = _period(cycle, day)
        if period.last > last:
            return
        yield period
        day = period.last + _DAY


def _period(cycle: Cycle, day: date) -> Period:
    """The period that holds a day."""
    if cycle == "day":
        return Period(day.isoformat(), day, day)
    if cycle == "week":
        year, week, weekday = day.isocalendar()
        monday = day - (weekday - 1) * _DAY
        return Period(f"{year}-W{week:02}", monday, monday + 6 * _DAY)
    first = day.replace(day=1)
    following = (first + 31 * _DAY).replace(day=1)
    return Period(f"{first:%Y-%m}", first, following - _DAY)


def _instant(day: date, tz: ZoneInfo, hour: int = 0) -> datetime:
    """When clocks first show that hour of a local day; where they skip it, the instant that they jump to."""
    return datetime.combine(day, time(hour), tzinfo=tz).astimezone(UTC)
