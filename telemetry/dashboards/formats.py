"""Numbers, money and times as people read them. Pure; every rounding here is for the eye, exact values travel beside.

Money comes in integer nano-dollars, times in UTC.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

from telemetry.series.window import Bucket, Window

NANO = 10**9
UNSET = "(none)"
MINUS = "\N{MINUS SIGN}"
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure moved against the period before. `percent` is exact to 0.1; None where there was nothing before."""

    text: str
    direction: Literal["up", "down", "same", "new"]
    percent: str = ""


def whole(number: int) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}"


def counted(number: int, one: str, many: str) -> str:
    """1 anomaly, 1,234 anomalies."""
    return f"{whole(number)} {one if number == 1 else many}"


def compact(number: int) -> str:
    """Three significant digits with K, M, B or T from ten thousand on; below that the number itself."""
    if number < 10_000:
        return whole(number)
    for size, unit in _UNITS:
        scaled = _three_digits(_three_digits(Decimal(number) / size))
        if scaled >= 1:
            return f"{scaled}{unit}"
    return whole(number)


def usd(nanousd: int) -> str:
    """$1,234.56; amounts below a cent keep two significant digits, so that no cost is shown as none."""
    amount = Decimal(nanousd) / NANO
    if 0 < amount < Decimal("0.01"):
        return f"${amount.quantize(Decimal(1).scaleb(amount.adjusted() - 1), ROUND_HALF_UP):f}"
    return f"${amount.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}"


def signed(number: int) -> str:
    """1234 as +1,234; less than nothing with a real minus sign."""
    return f"{number:+,}".replace("-", MINUS) if number else "0"


def signed_usd(nanousd: int) -> str:
    """+$1.23; less than nothing with a real minus sign."""
    sign = MINUS if nanousd < 0 else "+" if nanousd else ""
    return f"{sign}{usd(abs(nanousd))}"


def exact_usd(nanousd: int) -> str:
    """Dollars to the nano-dollar, without trailing zeros: 12.3450 as 12.345."""
    dollars, rest = divmod(abs(nanousd), NANO)
    digits = f"{dollars}.{rest:09d}".rstrip("0").rstrip(".")
    return f"-{digits}" if nanousd < 0 else digits


def per_mille(part: int, all_of_it: int) -> int:
    """`part` of `all_of_it` in thousandths, rounded half up; 0 of nothing is 0."""
    return (2000 * part + all_of_it) // (2 * all_of_it) if all_of_it else 0


def percent(part: int, all_of_it: int) -> str:
    """62.1 for 621 of 1000."""
    tenths = per_mille(part, all_of_it)
    return f"{tenths // 10}.{tenths % 10}"


def ratio(over: int, under: int) -> str:
    """`over` / `under` with one decimal, two below ten; empty where there is nothing to divide by."""
    if not under:
        return ""
    places = Decimal("0.1") if over >= 10 * under else Decimal("0.01")
    return f"{(Decimal(over) / under).quantize(places, ROUND_HALF_UP):,f}"


def change(now: Fraction | int, before: Fraction | int) -> Change:
    """What became of `before`: a share of it, in percent."""
    if now == before:
        return Change("0%", "same", "0.0")
    if not before:
        return Change("new", "new")
    moved = (Fraction(now) / Fraction(before) - 1) * 100
    exact = (Decimal(moved.numerator) / moved.denominator).quantize(Decimal("0.1"), ROUND_HALF_UP)
    rounded = exact if abs(exact) < 10 else exact.quantize(Decimal(1), ROUND_HALF_UP)
    return Change(f"{rounded:+,f}%".replace("-", MINUS), "up" if moved > 0 else "down", f"{exact:f}")


def points(now: Fraction, before: Fraction) -> Change:
    """The difference of two shares in percentage points."""
    moved = (now - before) * 100
    exact = (Decimal(moved.numerator) / moved.denominator).quantize(Decimal("0.1"), ROUND_HALF_UP)
    if not exact:
        return Change("0 pp", "same", "0.0")
    return Change(f"{exact:+f} pp".replace("-", MINUS), "up" if exact > 0 else "down", f"{exact:f}")


def duration(milliseconds: int) -> str:
    """840 ms, 12.3 s."""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:,.1f} s"


def long_duration(milliseconds: int) -> str:
    """840 ms, 12.3 s, 4 min 5 s, 3 h 12 min, 2 d 4 h: the two largest units, cut, not rounded."""
    if milliseconds < 60_000:
        return duration(milliseconds)
    seconds = milliseconds // 1000
    for large, small, size, part in (("d", "h", 86_400, 3_600), ("h", "min", 3_600, 60), ("min", "s", 60, 1)):
        if seconds >= size:
            rest = seconds % size // part
            return f"{seconds // size:,} {large} {rest} {small}" if rest else f"{seconds // size:,} {large}"
    return duration(milliseconds)


def short_moment(at: datetime, window: Window) -> str:
    """20 Nov, 14:03 in the window's zone; with its year where that is not the one in which the window ends."""
    local = at.astimezone(window.tz)
    return f"{local.day} {local:%b}, {local:%H:%M}" if local.year == window.last_day.year else moment(at, window)


def straight(words: str) -> str:
    """Words that came with the data, without the letters that turn round what stands after them."""
    return _TURNING.sub("", words)


def clipped(words: str, most: int) -> str:
    """Words that are not longer than `most` letters, the last of which says that there are more."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


def ago(then: datetime, now: datetime) -> str:
    """12 s, 4 min, 3 h, 9 days; a call of the near future is `now`."""
    seconds = int((now - then).total_seconds())
    if seconds < 1:
        return "now"
    for size, unit in ((172_800, "days"), (7_200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds // {'days': 86_400, 'h': 3_600, 'min': 60}[unit]} {unit} ago"
    return f"{seconds} s ago"


def day(of: date) -> str:
    """20 Nov 2026."""
    return f"{of.day} {of:%b %Y}"


def moment(at: datetime, window: Window) -> str:
    """20 Nov 2026, 14:03 in the window's zone."""
    local = at.astimezone(window.tz)
    return f"{day(local.date())}, {local:%H:%M}"


def span(window: Window) -> str:
    """22 Oct – 20 Nov 2026: the local days of a window, with times where it does not begin at midnight."""
    first, last = window.first_day, window.last_day
    if window.preset == "24h":
        return f"{moment(window.start, window)} – {moment(window.end, window)}"
    if first == last:
        return day(first)
    if first.year != last.year:
        return f"{day(first)} – {day(last)}"
    return f"{first.day} {first:%b} – {day(last)}" if first.month != last.month else f"{first.day} – {day(last)}"


def bucket_labels(edges: Sequence[datetime], window: Window) -> list[str]:
    """A name for each bucket that no other bears: an hour that the clocks repeat bears its zone's abbreviation."""
    local = [edge.astimezone(window.tz) for edge in edges]
    names = [_bucket_label(at, window.bucket) for at in local]
    times = Counter(names)
    return [f"{name} {at:%Z}" if times[name] > 1 else name for name, at in zip(names, local, strict=True)]


def offset(at: datetime, window: Window) -> str:
    """The window's zone at an instant, as UTC+5:30."""
    minutes = int((at.astimezone(window.tz).utcoffset() or timedelta()).total_seconds()) // 60
    sign = MINUS if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if not minutes else f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def _bucket_label(at: datetime, bucket: Bucket) -> str:
    name = f"{at:%a} {day(at.date())}"
    if bucket == "1w":
        return f"Week of {day(at.date())}"
    return f"{name}, {at:%H:%M}" if bucket in ("15m", "1h") else name


def _three_digits(number: Decimal) -> Decimal:
    """The number rounded to three significant digits, at least to whole ones; 0.9999 becomes 1.000, so ask twice."""
    return number.quantize(Decimal(1).scaleb(min(number.adjusted() - 2, 0)), ROUND_HALF_UP)
