"""What a page shows is said by its address: the vocabulary of the query string, read and written. Pure.

`range=7d` or `from=2026-11-01&to=2026-11-20`, `tz`, `cmp=off`, `metric=cost`, `project`, and any dimension as a filter,
repeatable (`model=a&model=b`; an empty value: calls that do not bear the dimension). What the address says wins; where
it says no range, the person's last one holds; the default is never written into an address. What only one page knows
(`own`: how it is sorted, say) stays behind when a link leads to another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlencode

from telemetry.series.window import DEFAULT_PRESET, BadWindow, Window, by_days, by_preset, parse_day, time_zone

MAX_FILTER_VALUES = 50
MAX_VALUE_LENGTH = 300
DAILY_UP_TO_DAYS = 200
Metric = Literal["tokens", "cost"]
Query = Mapping[str, Sequence[str]]
_SINGLE = ("project", "range", "from", "to", "tz", "cmp", "metric")


class BadQuery(ValueError):
    """An address says something that this page cannot show; the text says what, for the person who opened it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """Everything that an address says. `said` are its pairs in canonical order, from which links are made; those named
    in `own` lead to no other page; `all_rows` asks a CSV for the rows too that the page only sums up."""

    path: str
    said: tuple[tuple[str, str], ...]
    window: Window
    previous: Window | None
    filters: Mapping[str, tuple[str, ...]]
    metric: Metric
    now: datetime
    all_rows: bool = False
    own: frozenset[str] = frozenset()

    def link(self, path: str = "", *, drop: Sequence[str] = (), **said: str) -> str:
        """The address of `path` (this page by default) with the same state, less `drop`, with `said` instead."""
        left = {*drop, *said, *(self.own if path and path != self.path else ())}
        kept = [(name, value) for name, value in self.said if name not in left]
        return _address(path or self.path, kept + list(said.items()))

    def with_filter(self, dimension: str, value: str) -> str:
        """The address of this page narrowed to a value of a dimension."""
        return _address(self.path, [*(pair for pair in self.said if pair != (dimension, value)), (dimension, value)])

    def without_filter(self, dimension: str, value: str) -> str:
        """The address of this page with one filter taken away."""
        return _address(self.path, [pair for pair in self.said if pair != (dimension, value)])

    @property
    def csv_link(self) -> str:
        """The address of a table of this page as CSV, but for the table's name."""
        return self.link(format="csv")

    @property
    def range_words(self) -> dict[str, str]:
        """What to remember of the range: a preset, or two dates."""
        if self.window.preset:
            return {"range": self.window.preset}
        return {"from": self.window.first_day.isoformat(), "to": self.window.last_day.isoformat()}

    def by_day(self) -> PageState:
        """The same state cut into days, or into weeks where days would be too many."""
        long = (self.window.last_day - self.window.first_day).days >= DAILY_UP_TO_DAYS
        return replace(self, window=replace(self.window, bucket="1w" if long else "1d"))


def read(
    path: str,
    query: Query,
    *,
    dimensions: Collection[str],
    zone: str,
    now: datetime,
    first_call_at: datetime | None,
    remembered: Mapping[str, str],
    own_words: Collection[str] = (),
    own_filters: Collection[str] = (),
) -> PageState:
    """The state that an address asks for. `dimensions` may be filtered by, and on this page alone `own_filters`;
    `own_words` are said once, and mean something on this page alone; `zone` is the project's.

    Raises BadQuery and BadWindow.
    """
    words = {name: word(query, name) for name in (*_SINGLE, *own_words)}
    zone = words["tz"] or zone
    _check(words)
    asked = {name: words[name] for name in ("range", "from", "to") if words[name]}
    window = _window(asked, zone, now, first_call_at) if asked else _remembered(remembered, zone, now, first_call_at)
    filters = {name: _filter(query, name) for name in (*own_filters, *dimensions) if name in query}
    before = window.previous() if words["cmp"] != "off" and window.preset != "all" else None
    return PageState(
        path=path,
        said=(
            *((name, value) for name, value in words.items() if value),
            *((name, value) for name, values in filters.items() for value in values),
        ),
        window=window,
        previous=before if before and before.start < before.end else None,
        filters=filters,
        metric="cost" if words["metric"] == "cost" else "tokens",
        now=now,
        all_rows=word(query, "rows") == "all" and word(query, "format") == "csv",
        own=frozenset((*own_words, *own_filters)),
    )


def _check(words: Mapping[str, str]) -> None:
    """Whether the words that every page knows say something. Raises BadQuery."""
    if words["metric"] not in ("", "tokens", "cost"):
        raise BadQuery(f"{words['metric']!r} is not a metric; metrics are tokens, cost.")
    if words["cmp"] not in ("", "prev", "off"):
        raise BadQuery(f"cmp={words['cmp']!r} is not known; use prev or off.")


def _window(words: Mapping[str, str], zone: str, now: datetime, first_call_at: datetime | None) -> Window:
    """The window that `range`, or `from` and `to`, name. Raises BadQuery and BadWindow."""
    if "range" in words:
        if len(words) > 1:
            raise BadQuery("Say either range, or from and to.")
        return by_preset(words["range"], zone=zone, now=now, first=_first_day(zone, first_call_at))
    if "from" not in words:
        raise BadQuery("A range that has an end (to) needs a beginning (from).")
    first = parse_day(words["from"])
    if "to" in words:
        return by_days(first, parse_day(words["to"]), zone=zone)
    return by_days(first, max(first, now.astimezone(time_zone(zone)).date()), zone=zone)


def _remembered(words: Mapping[str, str], zone: str, now: datetime, first_call_at: datetime | None) -> Window:
    """The last range of this person, or the default where there is none that still works."""
    known = {name: str(value) for name, value in words.items() if name in ("range", "from", "to")}
    try:
        return _window(known or {"range": DEFAULT_PRESET}, zone, now, first_call_at)
    except (BadQuery, BadWindow):
        return by_preset(DEFAULT_PRESET, zone=zone, now=now)


def _first_day(zone: str, first_call_at: datetime | None) -> date | None:
    """The local day of the oldest call. Raises BadWindow for an unknown zone."""
    return first_call_at.astimezone(time_zone(zone)).date() if first_call_at else None


def word(query: Query, name: str) -> str:
    """The value of a word that is said once at most; empty where it is not. Raises BadQuery."""
    values = query.get(name, ())
    if len(values) > 1:
        raise BadQuery(f"{name} is said {len(values)} times; once is enough.")
    return _text(name, values[0]).strip() if values else ""


def _filter(query: Query, name: str) -> tuple[str, ...]:
    """The values of a filter, each once. Raises BadQuery."""
    values = tuple(dict.fromkeys(_text(name, value) for value in query[name]))
    if len(values) > MAX_FILTER_VALUES:
        raise BadQuery(f"{name} is filtered by {len(values)} values; {MAX_FILTER_VALUES} are the most.")
    return values


def _text(name: str, value: str) -> str:
    """A value that the database can be asked about. Raises BadQuery."""
    if "\0" in value or len(value) > MAX_VALUE_LENGTH:
        raise BadQuery(f"{name} has a value that no call can bear.")
    return value


def _address(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path
