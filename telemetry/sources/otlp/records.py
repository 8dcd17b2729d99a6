"""Spans, log records and metric points, whatever they were encoded in, and readers of their attributes. Pure.

Attributes are plain values: str, bool, int, float, a tuple of them, or None for one that has no such value. Exporters
write numbers as numbers or as texts, so counts are asked for by `count`, never taken as they are.
Source: formats.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

from msgspec import Struct

from telemetry.contracts import MAX_TOKENS, MeterBucket, MeterReading

MAX_TEXT = 4096  # characters; longer texts are prompts and answers, cut while they are still cheap
Attributes = Mapping[str, Any]
Bucket = MeterBucket
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_NS = 253_402_300_799 * 10**9  # the year 9999


class BadRecord(ValueError):
    """A record that its dialect knows and cannot read; the text says why, for the person who sent it."""


class Span(Struct, frozen=True, kw_only=True, gc=False):
    """One span. Ids are lower-case hex, "" where there is none; `started_at` is UTC; `duration_ns` is below 0 where it
    ends before it begins."""

    resource: Attributes
    scope: str
    name: str
    attributes: Attributes
    trace_id: str
    span_id: str
    parent_id: str
    started_at: datetime
    duration_ns: int
    has_failed: bool = False


class Log(Struct, frozen=True, kw_only=True, gc=False):
    """One log record. `name` is its event name without the exporter's prefix; `at` is when it was written."""

    resource: Attributes
    scope: str
    name: str
    attributes: Attributes
    trace_id: str
    span_id: str
    at: datetime


class Point(Struct, frozen=True, kw_only=True, gc=False):
    """One number of a metric. `is_delta`: it counts from `started_at`, else from the start of its series."""

    resource: Attributes
    scope: str
    name: str
    attributes: Attributes
    started_at: datetime
    at: datetime
    value: float
    is_delta: bool


def log_name(attributes: Attributes, event_name: str, body: str) -> str:
    """What kind of event a log record is: the attribute names it, else the field, else the body's text."""
    named = attributes.get("event.name")
    return named if isinstance(named, str) and named else event_name or body[:200]


def moment(nanoseconds: int) -> datetime:
    """Nanoseconds since 1970 in UTC, cut to microseconds; the year 1970 or 9999 where they are beyond belief."""
    if not 0 < nanoseconds <= _LATEST_NS:
        nanoseconds = min(max(nanoseconds, 0), _LATEST_NS)
    return _EPOCH + timedelta(0, 0, nanoseconds // 1000)


def count(attributes: Attributes, *names: str) -> int | None:
    """The first of `names` that holds a count, as an integer: a number, or a text of digits. None where none is there.

    Raises BadRecord for one that is there and is no count of tokens.
    """
    for name in names:
        value = attributes.get(name)
        if value is None or (type(value) is not int and (value == "" or _is_unknown(value))):
            continue
        number = value if type(value) is int else _number(value)
        if number is None or not 0 <= number <= MAX_TOKENS:
            raise BadRecord(f"{name} is no count from 0 to 2**53")
        return number
    return None


def text(attributes: Attributes, *names: str, most: int = 200) -> str:
    """The first of `names` that holds a text that is not empty, cut to `most` characters; "" where none does."""
    for name in names:
        value = attributes.get(name)
        if type(value) is str:
            found = value if len(value) <= most and "\0" not in value else value.replace("\0", "")[:most]
        elif type(value) is int:  # and not a bool
            found = str(value)[:most]
        else:
            continue
        if found:
            return found
    return ""


def milliseconds(attributes: Attributes, *names: str) -> int | None:
    """The first of `names` that holds a duration in milliseconds, rounded; None where none does, or it is beyond
    belief."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        number = round(value) if isinstance(value, float) and abs(value) < 10**13 else _number(value)
        if number is not None and 0 <= number <= 10**12:
            return number
    return None


def dollars(attributes: Attributes, *names: str) -> float | None:
    """The first of `names` that holds a cost in US dollars; None where none does, or it is beyond belief."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                continue
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10**6:
            return float(value)
    return None


def written_at(value: Any) -> datetime | None:
    """A moment written as a text such as 2026-11-20T17:58:32.435Z, in UTC; None where it is none, has no zone or is
    before 1970."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo and found.year >= _EPOCH.year else None
    except (ValueError, OverflowError):
        return None


def meter_reading(point: Point, *, bucket: MeterBucket, agent: str, session_id: str) -> MeterReading | None:
    """A number as the reading of a session's counter; None where it names no session. Raises BadRecord."""
    if not session_id:
        return None
    if not point.value.is_integer() or not 0 <= point.value <= MAX_TOKENS:
        raise BadRecord(f"{point.name} is no count of tokens")
    named = sorted((name, value) for name, value in point.attributes.items() if isinstance(value, str | int))
    return MeterReading(
        series=f"{point.name} {text(point.resource, 'service.instance.id')} {named}",
        session_id=session_id,
        model=text(point.attributes, "model", "gen_ai.response.model", "gen_ai.request.model") or "unknown",
        agent=agent,
        bucket=bucket,
        started_at=point.started_at,
        at=point.at,
        value=int(point.value),
        is_delta=point.is_delta,
    )


def _is_unknown(value: Any) -> bool:
    """Whether it is NaN, by which programs in JavaScript say that they do not know a number."""
    return value == "NaN" or (isinstance(value, float) and isnan(value))


def _number(value: Any) -> int | None:
    """A whole number of a value, or None where it is none."""
    if type(value) is int:  # and not a bool
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and len(value) <= 20 and value.isascii():
        stripped = value.strip()
        return int(stripped) if stripped.removeprefix("-").isdigit() else None
    return None
