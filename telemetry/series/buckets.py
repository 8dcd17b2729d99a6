"""Which buckets of the rollups moments lie in, as spans of time. Pure.

Days are cut by `window.local_midnight`, as every page cuts them. The clocks of all zones differ from UTC by whole
quarters of an hour, so that a quarter lies in one day of each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from telemetry.series.window import local_midnight

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVER = _EPOCH, datetime(9999, 1, 1, tzinfo=UTC)

Span = tuple[datetime, datetime]  # from the first moment to before the second, in UTC


def floor(moment: datetime, width: timedelta) -> datetime:
    """The beginning of the bucket of that width that holds a moment."""
    return moment.astimezone(UTC) - (moment - _EPOCH) % width


def spans(moments: Iterable[datetime], width: timedelta) -> list[Span]:
    """The buckets of that width that hold moments, each once, oldest first."""
    return [(start, start + width) for start in sorted({floor(moment, width) for moment in moments})]


def days(moments: Iterable[datetime], tz: ZoneInfo) -> list[Span]:
    """The local days that hold moments, each once, oldest first."""
    return sorted({_day(moment, tz) for moment in moments})


def all_days(first: datetime, last: datetime, tz: ZoneInfo) -> list[Span]:
    """The local days from that of `first` to that of `last`."""
    start, end = _day(first, tz)[0], _day(last, tz)[0]
    found = []
    while start <= end:
        found.append(_day(start, tz))
        start = found[-1][1]
    return found


def day_span(day: date, tz: ZoneInfo) -> Span:
    """A local day."""
    return local_midnight(day, tz), local_midnight(day + _DAY, tz)


def _day(moment: datetime, tz: ZoneInfo) -> Span:
    """Found among the days around: clocks that are set back over midnight give a date twice."""
    local = moment.astimezone(tz).date()
    edges = [local_midnight(local + n * _DAY, tz) for n in range(-1, 3)]
    place = bisect_right(edges, moment)
    return edges[place - 1], edges[place]
