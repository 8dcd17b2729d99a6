"""The reports that are kept: one by its period, and the few figures of many by which they are listed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from django.db.models import F

from telemetry.database import reads
from telemetry.models import Report
from telemetry.observer.report.document import Document, Summary, from_plain
from telemetry.observer.report.periods import Kind, Period


class NoReport(LookupError):
    """There is no report of a period; the text says why, for the person who looked for it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A report in a list."""

    period: Period
    made_at: datetime
    is_whole: bool
    summary: Summary


def find(project_id: int, period: Period) -> Document | None:
    """The report of a period; None where there is none. Raises UnknownVersion."""
    found = Report.objects.using(reads()).filter(project_id=project_id, kind=period.kind, first_day=period.first_day)
    plain = found.values_list("document", flat=True).first()
    return from_plain(plain) if plain else None


def listed(project_id: int, *, first: date, last: date, kinds: Iterable[Kind]) -> list[Entry]:
    """The reports of these kinds that begin on a day from `first` to `last`, newest first. One that a newer TLOI wrote
    in another form is left out."""
    found = Report.objects.using(reads()).filter(
        project_id=project_id, kind__in=list(kinds), first_day__gte=first, first_day__lte=last
    )
    rows = found.order_by("-first_day", "kind").values_list(
        "kind", "first_day", "last_day", "made_at", F("document__is_whole"), F("document__summary")
    )
    entries = []
    for kind, first_day, last_day, made_at, is_whole, summary in rows:
        try:
            known = msgspec.convert(summary, Summary)
        except msgspec.ValidationError:
            continue
        entries.append(Entry(Period(kind, first_day, last_day), made_at, bool(is_whole), known))
    return entries


def why_none(period: Period, *, zone: str, hour: int, now: datetime) -> str:
    """Why there is no report of a period: it has not begun, it is not over, or nobody has made one. `hour` is that of
    the zone at which the project is observed."""
    name = period.name
    if not period.has_begun(zone, now):
        return f"There is no report of {name}: it has not begun yet in {zone}."
    if not period.is_over(zone, now):
        due = period.after().first_day
        return (
            f"There is no report of {name} yet: it comes on {due} at {hour:02d}:00 in {zone}, when all of it is over."
        )
    return f"There is no report of {name}. This makes it: tloi observe {command_words(period)}"


def command_words(period: Period) -> str:
    """What `tloi observe` is told to make the report of a period."""
    flag = {"daily": "", "weekly": " --week", "monthly": " --month"}[period.kind]
    return f"--date {period.first_day}{flag}"
