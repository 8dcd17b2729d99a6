"""What providers say a period cost: kept beside our figures, never mixed with them.

A total that is typed again for the same provider and period replaces the one before. A file speaks for every day from
its first to its last: what earlier files of its provider said of these days is forgotten, so the same file twice adds
nothing and the periods of files never overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Sum

from telemetry.ledger.invoice_csv import FIRST_DAY, BadInvoice, InvoiceFile, Line
from telemetry.models import InvoiceLine, InvoiceTotal, Project

MOST_DAYS = 731
MOST_TOTALS = 500
_DAY = timedelta(days=1)


class UnknownInvoice(LookupError):
    """This project has no such invoice."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """A provider's total for the days from `first_day` to `last_day`, both inclusive, in UTC. `origin` is empty for
    one that was typed in."""

    id: int
    provider: str
    first_day: date
    last_day: date
    amount_nanousd: int
    origin: str
    file_name: str
    entered_by: str
    entered_at: datetime


def enter_total(
    *,
    project_id: int,
    provider: str,
    first_day: date,
    last_day: date,
    amount_nanousd: int,
    by: str,
    now: datetime,
) -> int:
    """Keep a total that a person typed in; its id. Raises BadInvoice."""
    _check_period(provider, first_day, last_day)
    with transaction.atomic():
        _lock(project_id)
        total, created = InvoiceTotal.objects.update_or_create(
            project_id=project_id,
            provider=provider,
            first_day=first_day,
            last_day=last_day,
            origin="",
            defaults={"amount_nanousd": amount_nanousd, "entered_by": by, "entered_at": now},
        )
        if created:
            _check_room(project_id)
    return int(total.pk)


def enter_file(*, project_id: int, provider: str, file: InvoiceFile, file_name: str, by: str, now: datetime) -> int:
    """Keep the days and models of a file, in place of what earlier files of the provider said of its days; the id of
    its total. Raises BadInvoice."""
    _check_period(provider, file.first_day, file.last_day)
    with transaction.atomic():
        _lock(project_id)
        _make_room(project_id, provider, file.first_day, file.last_day)
        total = InvoiceTotal.objects.create(
            project_id=project_id,
            provider=provider,
            first_day=file.first_day,
            last_day=file.last_day,
            amount_nanousd=file.amount_nanousd,
            origin=file.origin,
            file_name=file_name,
            entered_by=by,
            entered_at=now,
        )
        InvoiceLine.objects.bulk_create(
            InvoiceLine(
                total=total,
                project_id=project_id,
                provider=provider,
                day=line.day,
                model=line.model,
                amount_nanousd=line.amount_nanousd,
                rounding_nanousd=line.rounding_nanousd,
            )
            for line in file.lines
        )
        _check_room(project_id)
    return int(total.pk)


def remove_invoice(*, project_id: int, invoice_id: int) -> None:
    """Forget a total and its lines. Raises UnknownInvoice."""
    deleted, _ = InvoiceTotal.objects.filter(project_id=project_id, pk=invoice_id).delete()
    if not deleted:
        raise UnknownInvoice("There is no such invoice in this project.")


def invoices(*, project_id: int) -> list[Invoice]:
    """Every total of a project, the latest period first."""
    found = InvoiceTotal.objects.filter(project_id=project_id).order_by("-last_day", "-first_day", "provider", "origin")
    return [_invoice(total) for total in found]


def lines_of(*, project_id: int, invoice_id: int) -> list[Line]:
    """What a file says of its days and models; nothing for a total that was typed in."""
    found = InvoiceLine.objects.filter(project_id=project_id, total_id=invoice_id).order_by("day", "model")
    return [Line(line.day, line.model, line.amount_nanousd, line.rounding_nanousd) for line in found]


def _invoice(total: InvoiceTotal) -> Invoice:
    return Invoice(
        int(total.pk),
        total.provider,
        total.first_day,
        total.last_day,
        total.amount_nanousd,
        total.origin,
        total.file_name,
        total.entered_by,
        total.entered_at,
    )


def _check_period(provider: str, first_day: date, last_day: date) -> None:
    if not provider:
        raise BadInvoice("Say which provider the figures are of, by the name that its calls bear here.")
    if last_day < first_day:
        raise BadInvoice(f"The period ends ({last_day}) before it begins ({first_day}).")
    if first_day < FIRST_DAY or (last_day - first_day).days >= MOST_DAYS:
        raise BadInvoice(f"A period begins in 2020 or later and has at most {MOST_DAYS} days.")


def _check_room(project_id: int) -> None:
    if InvoiceTotal.objects.filter(project_id=project_id).count() > MOST_TOTALS:
        raise BadInvoice(f"A project keeps {MOST_TOTALS} invoices at most; remove old ones first.")


def _lock(project_id: int) -> None:
    """Let nobody else enter an invoice of the project until this transaction ends."""
    Project.objects.select_for_update(no_key=True).get(pk=project_id)


def _make_room(project_id: int, provider: str, first_day: date, last_day: date) -> None:
    """Take the days from `first_day` to `last_day` out of earlier files: what is left of one keeps its place before or
    behind them, with the sum of the lines that it still has."""
    ours = {"project_id": project_id, "provider": provider}
    InvoiceLine.objects.filter(**ours, day__gte=first_day, day__lte=last_day).delete()
    overlapping = InvoiceTotal.objects.filter(**ours, first_day__lte=last_day, last_day__gte=first_day)
    for total in list(overlapping.exclude(origin="")):
        before = (total.first_day, min(total.last_day, first_day - _DAY))
        behind = (max(total.first_day, last_day + _DAY), total.last_day)
        rests = [rest for rest in (before, behind) if rest[0] <= rest[1]]
        _shorten(total, rests)


def _shorten(total: InvoiceTotal, rests: Sequence[tuple[date, date]]) -> None:
    """Leave of a file's total what its `rests` hold, one row each."""
    old_id = total.pk
    for place, (first_day, last_day) in enumerate(rests):
        total.pk = old_id if place == 0 else None
        total.first_day, total.last_day = first_day, last_day
        lines = InvoiceLine.objects.filter(total_id=old_id, day__gte=first_day, day__lte=last_day)
        total.amount_nanousd = lines.aggregate(sum=Sum("amount_nanousd", default=0), count=Count("pk"))["sum"]
        total.save()
        lines.update(total_id=total.pk)
    if not rests:
        total.delete()
