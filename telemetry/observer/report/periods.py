"""Days, weeks and months as people write them: 2025-11-06, 2025-W45, 2025-11. Pure.

Weeks are those of ISO 8601, from Monday on. A period is of local days; where it begins and ends is said by a zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args

from telemetry.series.window import EARLIEST, local_midnight, time_zone

Kind = Literal["daily", "weekly", "monthly"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LATEST_YEAR = 9000
_DAY = timedelta(days=1)
_DAILY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEKLY = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTHLY = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


class BadPeriod(ValueError):
    """A text that names no day, week or month; it says why, for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, both inclusive, of one of the three kinds."""

    kind: Kind
    first_day: date
    last_day: date

    @property
    def name(self) -> str:
        """What it is called in addresses, jobs and commands."""
        if self.kind == "weekly":
            year, week, _ = self.first_day.isocalendar()
            return f"{year}-W{week:02d}"
        return f"{self.first_day:%Y-%m}" if self.kind == "monthly" else self.first_day.isoformat()

    @property
    def title(self) -> str:
        """What it is called in a heading: 6 November 2025, a Thursday's report bears no more than its date."""
        if self.kind == "weekly":
            return f"week {self.name}, {_long(self.first_day)} to {_long(self.last_day)}"
        return f"{self.first_day:%B %Y}" if self.kind == "monthly" else _long(self.first_day)

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """[start, end) in UTC, from midnight to midnight of `zone`. Raises BadWindow for a zone that is none."""
        tz = time_zone(zone)
        return local_midnight(self.first_day, tz), local_midnight(self.last_day + _DAY, tz)

    def is_over(self, zone: str, now: datetime) -> bool:
        """Whether nothing of it is still to come."""
        return self.bounds(zone)[1] <= now.astimezone(UTC)

    def has_begun(self, zone: str, now: datetime) -> bool:
        """Whether its first instant has passed."""
        return self.bounds(zone)[0] <= now.astimezone(UTC)

    def due_at(self, zone: str, hour: int) -> datetime:
        """When its report comes: at that hour of the day after it, as the clocks of the zone show it, in UTC."""
        return datetime.combine(self.last_day + _DAY, time(hour), tzinfo=time_zone(zone)).astimezone(UTC)

    def before(self) -> Period:
        """The period of this kind that ends where this one begins. Raises BadPeriod before the first that there is."""
        return around(self.first_day - _DAY, self.kind)

    def after(self) -> Period:
        """The period of this kind that begins where this one ends."""
        return around(self.last_day + _DAY, self.kind)


def around(day: date, kind: Kind) -> Period:
    """The period of a kind in which a day lies. Raises BadPeriod."""
    if day < EARLIEST or day.year > LATEST_YEAR:
        raise BadPeriod(f"Reports are of days from {EARLIEST} to the year {LATEST_YEAR}.")
    if kind == "daily":
        return Period(kind, day, day)
    if kind == "weekly":
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=6))
    first = day.replace(day=1)
    return Period(kind, first, (first + timedelta(days=31)).replace(day=1) - _DAY)


def read(text: str) -> Period:
    """The period that a text names. Raises BadPeriod."""
    try:
        if _DAILY.fullmatch(text):
            return around(date.fromisoformat(text), "daily")
        if found := _WEEKLY.fullmatch(text):
            return around(date.fromisocalendar(int(found[1]), int(found[2]), 1), "weekly")
        if found := _MONTHLY.fullmatch(text):
            return around(date(int(found[1]), int(found[2]), 1), "monthly")
    except BadPeriod:
        raise
    except ValueError:
        raise BadPeriod(f"{text!r} is in no calendar.") from None
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    raise BadPeriod(f"{shown!r} is not a day, week or month such as 2025-11-06, 2025-W45 or 2025-11.")


def _long(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
