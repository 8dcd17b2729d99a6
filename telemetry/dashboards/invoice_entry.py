"""Entering and removing invoices, by owners and editors of a project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from telemetry.dashboards import invoice
from telemetry.dashboards.plainly import View, answers_plainly, plain
from telemetry.dashboards.views import membership_of
from telemetry.ledger import invoices
from telemetry.ledger.invoice_csv import MAX_BYTES, BadInvoice, parse_dollars, read_invoice
from telemetry.models import Membership
from telemetry.series.window import BadWindow, parse_day

MOST_LETTERS = 120
Entry = Callable[[HttpRequest, Membership], int | None]


def _entry(enter: Entry) -> View:
    """A view that enters something and shows the invoice of the id that comes back; what is wrong with the input is
    said on the page, which keeps what was typed."""

    @answers_plainly
    @login_required
    @require_POST
    @never_cache
    @wraps(enter)
    def handle(request: HttpRequest) -> HttpResponse:
        membership = membership_of(request)
        if not invoice.may_edit(membership):
            return plain(request, 403, "Not yours to do", "Only owners and editors of this project edit its invoices.")
        try:
            entered = enter(request, membership)
        except (BadInvoice, BadWindow) as error:
            typed = {name: str(request.POST.get(name, "")) for name in ("provider", "from", "to", "amount")}
            return invoice.answer(request, membership, wrong=str(error), typed=typed)
        except invoices.UnknownInvoice as error:
            return plain(request, 404, "No such invoice", str(error))
        check = f"&check={entered}" if entered else ""
        return HttpResponseRedirect(f"{reverse('invoice')}?project={membership.project.slug}{check}")

    return handle


@_entry
def enter_total(request: HttpRequest, membership: Membership) -> int:
    """Keep a total that was typed in. Raises BadInvoice, BadWindow."""
    try:
        amount = parse_dollars(request.POST.get("amount", ""))
    except ValueError as error:
        raise BadInvoice(f"The amount: {error}.") from None
    return invoices.enter_total(
        project_id=membership.project.pk,
        provider=_provider(request),
        first_day=_day(request, "from"),
        last_day=_day(request, "to"),
        amount_nanousd=amount,
        by=str(request.user.get_username()),
        now=datetime.now(UTC),
    )


@_entry
def enter_file(request: HttpRequest, membership: Membership) -> int:
    """Keep the days and models of a file. Raises BadInvoice."""
    sent = request.FILES.get("file")
    if not isinstance(sent, UploadedFile):
        raise BadInvoice("Choose a file.")
    if sent.size is None or sent.size > MAX_BYTES:
        raise BadInvoice(f"The file is larger than {MAX_BYTES >> 20} MiB. Export a shorter period.")
    file = read_invoice(sent.read())
    return invoices.enter_file(
        project_id=membership.project.pk,
        provider=_provider(request) or file.provider,
        file=file,
        file_name=_plain(sent.name or ""),
        by=str(request.user.get_username()),
        now=datetime.now(UTC),
    )


@_entry
def remove(request: HttpRequest, membership: Membership) -> None:
    """Forget an invoice. Raises UnknownInvoice."""
    asked = request.POST.get("check", "")
    invoice_id = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0
    invoices.remove_invoice(project_id=membership.project.pk, invoice_id=invoice_id)


def _provider(request: HttpRequest) -> str:
    return _plain(request.POST.get("provider", ""))


def _plain(words: str) -> str:
    return words.replace("\0", "").strip()[:MOST_LETTERS]


def _day(request: HttpRequest, name: str) -> date:
    """A day that was typed. Raises BadInvoice, BadWindow."""
    typed = request.POST.get(name, "").strip()
    if not typed:
        raise BadInvoice("Say from which day to which the total is.")
    return parse_day(typed)
