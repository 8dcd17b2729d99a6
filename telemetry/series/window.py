"""Ranges of time as people mean them: whole days of one zone, cut into buckets. Pure; `now` is an argument.

A window is half-open, [start, end), in UTC; its bucket edges are made here, once, so that a page, its CSV, the API
and the command line cut the same instant into the same day, whatever the zone or its clock changes. Every edge lies on
a quarter of an hour, since no zone's days begin elsewhere and a range that ends now ends with the quarter that runs; so
sums of quarter hours are sums of the window.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

PRESETS = ("today", "24h", "7d", "28d", "30d", "90d", "mtd", "lm", "ytd", "all")
DEFAULT_PRESET = "30d"
MAX_BUCKETS = 1500
EARLIEST = date(2020, 1, 1)
QUARTER = timedelta(minutes=15)
Bucket = Literal["15m", "1h", "1d", "1w"]
_STEPS: dict[Bucket, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "1w": timedelta(days=7),
}
_DAYS_BACK = {"today": 0, "7d": 6, "28d": 27, "30d": 29, "90d": 89}


class BadWindow(ValueError):
    """A range or zone that cannot be used; the text says why, for the person who wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """[start, end) in UTC, read in `zone`. `preset` names how it was asked for; empty: by dates."""

    start: datetime
    end: datetime
    zone: str
    bucket: Bucket
    preset: str = ""

    @property
    def tz(self) -> ZoneInfo:
        """The zone that days are cut in."""
        return time_zone(self.zone)

    @property
    def first_day(self) -> date:
        """The local day of `start`."""
        return self.start.astimezone(self.tz).date()

    @property
    def last_day(self) -> date:
        """The local day of the last instant inside."""
        return (self.end - timedelta(microseconds=1)).astimezone(self.tz).date()

    def edges(self) -> list[datetime]:
        """The UTC start of every bucket, oldest first; the last bucket ends at `end`."""
        step = _STEPS[self.bucket]
        if self.bucket in ("15m", "1h"):
            return _steps(self.start, self.end, step)
        days = (self.last_day - self.first_day).days + 1
        starts = [local_midnight(self.first_day + timedelta(days=n), self.tz) for n in range(0, days, step.days)]
        return [self.start, *(edge for edge in starts[1:] if edge < self.end)]

    def previous(self) -> Window:
        """The window of equal length just before: as many whole days where this one has whole days."""
        if self.preset == "24h":
            return _between(self.start - (self.end - self.start), self.start, self)
        if self.preset in ("mtd", "lm"):
            first = (self.first_day.replace(day=1) - timedelta(days=1)).replace(day=1)
            return _between(local_midnight(first, self.tz), self._shifted_end(first), self)
        days = (self.last_day - self.first_day).days + 1
        first = max(self.first_day - timedelta(days=days), EARLIEST)
        return _between(local_midnight(first, self.tz), self._shifted_end(first), self)

    def _shifted_end(self, first: date) -> datetime:
        """Where a window that begins on `first` has run as many local days and hours as this one."""
        local = self.end.astimezone(self.tz)
        day = first + (local.date() - self.first_day)
        end = datetime.combine(day, local.time(), tzinfo=self.tz).astimezone(UTC)
        return min(end, self.start)


def time_zone(name: str) -> ZoneInfo:
    """The IANA zone `name`. Raises BadWindow."""
    if name not in zone_names():
        raise BadWindow(f"{name!r} is not an IANA time zone such as Europe/Madrid.")
    return ZoneInfo(name)


@cache
def zone_names() -> frozenset[str]:
    """Every zone that this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def local_midnight(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC; where midnight is skipped, the instant that the clocks jump to."""
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)


def quarter_of(at: datetime) -> datetime:
    """The beginning of the quarter of an hour in which an instant lies, in UTC."""
    return _floor(at, QUARTER)


def by_preset(preset: str, *, zone: str, now: datetime, first: date | None = None, bucket: str = "auto") -> Window:
    """A named range that ends with the quarter of an hour in which `now` lies. `all` begins on `first`, the oldest
    local day with data. Raises BadWindow."""
    tz = time_zone(zone)
    today, end = now.astimezone(tz).date(), quarter_of(now) + QUARTER
    if preset == "24h":
        return _window(end - timedelta(hours=24), end, zone, bucket, preset)
    if preset in _DAYS_BACK:
        start = today - timedelta(days=_DAYS_BACK[preset])
    elif preset in ("mtd", "lm"):
        start = today.replace(day=1)
    elif preset == "ytd":
        start = today.replace(month=1, day=1)
    elif preset == "all":
        start = max(min(first or today, today), EARLIEST)
    else:
        raise BadWindow(f"{preset!r} is not a range; ranges are {', '.join(PRESETS)}.")
    if preset == "lm":
        last = (start - timedelta(days=1)).replace(day=1)
        return _window(local_midnight(last, tz), local_midnight(start, tz), zone, bucket, preset)
    return _window(local_midnight(start, tz), end, zone, bucket, preset)


def by_days(first: date, last: date, *, zone: str, bucket: str = "auto") -> Window:
    """Whole local days, both inclusive. Raises BadWindow."""
    if last < first:
        raise BadWindow(f"The range ends ({last}) before it begins ({first}).")
    if first < EARLIEST or last.year > 9000:
        raise BadWindow(f"Dates run from {EARLIEST} to the year 9000.")
    tz = time_zone(zone)
    return _window(local_midnight(first, tz), local_midnight(last + timedelta(days=1), tz), zone, bucket, "")


def parse_day(text: str) -> date:
    """A date as 2026-11-20. Raises BadWindow."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadWindow(f"{text!r} is not a date such as 2026-11-20.") from None


def _floor(at: datetime, step: timedelta) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // step.total_seconds() * step.total_seconds(), UTC)


def _steps(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    floor, edges = _floor(start, step), [start]
    while (floor := floor + step) < end:
        edges.append(floor)
    return edges


def _between(start: datetime, end: datetime, like: Window) -> Window:
    return Window(start=start, end=end, zone=like.zone, bucket=like.bucket, preset=like.preset)


def _window(start: datetime, end: datetime, zone: str, bucket: str, preset: str) -> Window:
    """A window with a bucket that cuts it into at most MAX_BUCKETS pieces. Raises BadWindow."""
    days = (end - start) / timedelta(days=1)
    if bucket == "auto":
        bucket = "1h" if days <= 2 else "1d" if days <= 200 else "1w"
    for name, step in _STEPS.items():
        if name == bucket:
            if (end - start) / step > MAX_BUCKETS:
                raise BadWindow(f"Buckets of {bucket} would cut this range into more than {MAX_BUCKETS} pieces.")
            return Window(start=start, end=end, zone=zone, bucket=name, preset=preset)
    raise BadWindow(f"{bucket!r} is not a bucket; buckets are auto, {', '.join(_STEPS)}.")
