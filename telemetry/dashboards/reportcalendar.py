"""A month of reports as a calendar: what each day says, or why it says nothing. Pure.

A day is never told by its colour alone: a sign and words say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from telemetry.observer.report.document import Summary
from telemetry.observer.report.periods import Kind, Period, around
from telemetry.series.window import time_zone

State = Literal["high", "medium", "calm", "empty", "due", "ahead", "before", "missing"]
SIGNS: dict[State, str] = {
    "high": "▲",
    "medium": "●",
    "calm": "✓",
    "empty": "○",
    "due": "…",
    "ahead": "",
    "before": "",
    "missing": "–",
}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """One period in the calendar: its state, the words that say it, a longer reason or a summary in `hint`, and the
    address of its report where it has one; `outside`: no day of it is in the month."""

    period: Period
    state: State
    words: str
    hint: str
    url: str
    outside: bool

    @property
    def sign(self) -> str:
        """What stands for its state beside the words."""
        return SIGNS[self.state]


@dataclass(frozen=True, slots=True)
class Week:
    """A week of the calendar: its own report, and its seven days."""

    whole: Shown
    days: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month with its own report and the weeks that have a day in it."""

    whole: Shown
    weeks: tuple[Week, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What decides why a period has no report: the project's zone, the hour at which it is observed, since which day
    something was recorded (None: nothing ever), and what time it is."""

    zone: str
    hour: int
    first_day: date | None
    now: datetime


def month_of(
    month: Period, reports: Mapping[Period, Summary], known: Known, *, address: Callable[[Period], str]
) -> Month:
    """The calendar of a month, from the summaries of the reports that there are, each at its address."""

    def shown(period: Period) -> Shown:
        outside = period.last_day < month.first_day or period.first_day > month.last_day
        summary = reports.get(period)
        if summary is None:
            return Shown(period, *_none(period, known), "", outside)
        return Shown(period, *_some(summary), address(period), outside)

    weeks, monday = [], around(month.first_day, "weekly").first_day
    while monday <= month.last_day:
        days = [monday + number * _DAY for number in range(7)]
        week = shown(Period("weekly", days[0], days[-1]))
        weeks.append(Week(week, tuple(shown(Period("daily", day, day)) for day in days)))
        monday += 7 * _DAY
    return Month(whole=shown(month), weeks=tuple(weeks))


def _some(summary: Summary) -> tuple[State, str, str]:
    high, medium = (summary.anomalies_by_severity.get(name, 0) for name in ("high", "medium"))
    tasks = f"{summary.tasks:,} task{'' if summary.tasks == 1 else 's'}"
    hint = f"{tasks}, {summary.tokens:,} tokens, {summary.tokens_wasted:,} wasted"
    if high:
        return "high", f"{high:,} high" + (f", {medium:,} medium" if medium else ""), hint
    if medium:
        return "medium", f"{medium:,} medium", hint
    return ("calm", "nothing found", hint) if summary.tasks else ("empty", "no tasks", "No task began then")


def _none(period: Period, known: Known) -> tuple[State, str, str]:
    if not period.has_begun(known.zone, known.now):
        return "ahead", "", "It has not begun yet"
    if known.first_day is None or period.last_day < known.first_day:
        return "before", "", "Nothing was recorded yet"
    due_at = period.due_at(known.zone, known.hour)
    if known.now < due_at:
        return "due", f"due {said(due_at, known)}", f"It comes on {said(due_at, known)} in {known.zone}"
    return "missing", "no report", f"It was not made: tloi observe --date {period.first_day}{_FLAGS[period.kind]}"


_FLAGS: dict[Kind, str] = {"daily": "", "weekly": " --week", "monthly": " --month"}


def said(at: datetime, known: Known) -> str:
    """A moment as the project's clocks show it: 7 Nov, 01:00."""
    local = at.astimezone(time_zone(known.zone))
    return f"{local.day} {local:%b}, {local:%H:%M}"


def first_report(known: Known) -> str:
    """When the first report comes of a project that has none, or that it is late."""
    if known.first_day is None:
        return f"The first one comes the day after something was recorded, {known.hour:02d}:00 in {known.zone}."
    due_at = around(known.first_day, "daily").due_at(known.zone, known.hour)
    if known.now < due_at:
        return f"The first one comes on {said(due_at, known)} in {known.zone}."
    return "The first one is due: a worker makes it within minutes; the command tloi doctor says whether one runs."
