"""Attributions and work items are said, changed and ended so that days that are over keep what was said of them.

`today` is that of the project's zone. What holds already is not overwritten: it ends with yesterday, and what replaces
it begins today. What was only said today is changed in place. All of this in a transaction of the caller, under a lock
of the project, so that two editors cannot give away more than the whole of a subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection

from telemetry.limits.attribution import WHOLE, overfull
from telemetry.models import Attribution, KeyResult, Objective, Project, WorkItem
from telemetry.series.window import time_zone

_LOCK = 7_346_026
_DAY = timedelta(days=1)
_SUBJECT = ("kind", "name", "task_type", "agent", "pattern")


def today_of(project: Project, now: datetime) -> date:
    """The local day of a project. Raises BadWindow for a zone that is none."""
    return now.astimezone(time_zone(project.time_zone)).date()


def hold(project_id: int) -> None:
    """Have a project's attributions for oneself until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, project_id % 2**31])


def parts_of(weight: Decimal) -> int:
    """A weight in ten-thousandths."""
    return int(weight * WHOLE)


def refuse_overfull(wanted: Attribution, *, since: date | None = None) -> None:
    """Raise ValidationError where a subject would be given away more than once on a day from `since` on."""
    hold(wanted.project_id)
    others = Attribution.objects.filter(
        project_id=wanted.project_id, **{name: getattr(wanted, name) for name in _SUBJECT}
    ).exclude(pk=wanted.pk)
    held = [one for one in (*others, wanted) if since is None or one.last_day is None or one.last_day >= since]
    day = overfull((_later(one.first_day, since), one.last_day, parts_of(one.weight)) for one in held)
    if day is not None:
        when = "" if day == date.min else f" from {day} on"
        taken = ", ".join(f"{one.weight.normalize():f} for {one.key_result or one.objective}" for one in held[:-1][:5])
        raise ValidationError({"weight": f"The shares of this {wanted.subject} exceed 1{when}: {taken or 'its own'}."})


def refuse_past(last_day: date | None, before: date | None, today: date) -> None:
    """Raise ValidationError where something would end, or go on, on days that are over."""
    if last_day != before and min(last_day or date.max, before or date.max) < today - _DAY:
        raise ValidationError(
            {"last_day": f"Days that are over keep what was said of them: {today - _DAY} is the first."}
        )


def say(wanted: Attribution, *, by: str, today: date) -> Attribution:
    """Write a new attribution down. Raises ValidationError."""
    wanted.recorded_on, wanted.author = today, by[:150]
    wanted.full_clean()
    refuse_overfull(wanted)
    wanted.save()
    return wanted


def reweigh(known: Attribution, weight: Decimal, *, by: str, today: date) -> Attribution:
    """Give an attribution another weight from today on; the row that holds it now. Raises ValidationError."""
    if known.weight == weight:
        return known
    hold(known.project_id)
    if _is_of_today(known.first_day, known.recorded_on, today):
        known.weight = weight
        known.full_clean()
        refuse_overfull(known)
        known.save()
        return known
    follows = Attribution.objects.get(pk=known.pk)
    follows.pk, follows.weight, follows.first_day = None, weight, today
    follows._state.adding = True
    known.last_day = today - _DAY
    known.save(update_fields=["last_day"])
    return say(follows, by=by, today=today)


def end(chosen: Sequence[Attribution], *, today: date) -> int:
    """End attributions with yesterday; how many held until then. One that was only said today is gone."""
    count = 0
    for one in chosen:
        hold(one.project_id)
        if one.last_day is not None and one.last_day < today:
            continue
        count += 1
        if _is_of_today(one.first_day, one.recorded_on, today):
            one.delete()
        else:
            one.last_day = today - _DAY
            one.save(update_fields=["last_day"])
    return count


def stand(wanted: WorkItem, *, today: date) -> WorkItem:
    """Write down where a work item stands from its first day on, and end what was said of it before. Raises
    ValidationError where it would stand below itself."""
    hold(wanted.project_id)
    wanted.recorded_on = today
    wanted.full_clean()
    refuse_ring(wanted)
    for one in WorkItem.objects.filter(project_id=wanted.project_id, key=wanted.key).exclude(pk=wanted.pk):
        if one.last_day is not None and one.last_day < today:
            continue
        if _is_of_today(one.first_day, one.recorded_on, today):
            one.delete()
        else:
            one.last_day = today - _DAY
            one.save(update_fields=["last_day"])
            wanted.first_day = wanted.first_day if wanted.first_day and wanted.first_day > today else today
    wanted.save()
    return wanted


def refuse_taken(wanted: Objective | KeyResult) -> None:
    """Raise ValidationError where a key names something else already: a tag could not tell them apart."""
    hold(wanted.project_id)
    for kind, what in ((Objective, "an objective"), (KeyResult, "a key result")):
        same = kind.objects.filter(project_id=wanted.project_id, key=wanted.key)
        if (same.exclude(pk=wanted.pk) if isinstance(wanted, kind) else same).exists():
            raise ValidationError({"key": f"{wanted.key} is the key of {what} already."})


def _later(first_day: date | None, since: date | None) -> date | None:
    return max(first_day or date.min, since) if since else first_day


def _is_of_today(first_day: date | None, recorded_on: date, today: date) -> bool:
    """Whether nothing that is over rests on it."""
    return recorded_on >= today or (first_day is not None and first_day >= today)


def refuse_ring(wanted: WorkItem) -> None:
    """Raise ValidationError where an item would stand below itself, by way of others."""
    above, seen = wanted.parent, {wanted.key}
    held = WorkItem.objects.filter(project_id=wanted.project_id, last_day=None).order_by("-first_day", "-pk")
    while above:
        if above in seen:
            raise ValidationError({"parent": f"{wanted.key} would stand below itself, by way of {above}."})
        seen.add(above)
        above = held.filter(key=above).values_list("parent", flat=True).first() or ""
