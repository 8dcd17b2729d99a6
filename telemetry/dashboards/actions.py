"""What is done on a page: make the first key, ask whether calls have arrived, remove the demo."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from telemetry.access.keys import create_key
from telemetry.dashboards import pages
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.views import answer, membership_of, span_of_calls
from telemetry.database import connection
from telemetry.ledger import removal
from telemetry.models import Membership


@answers_plainly
@login_required
@require_POST
@never_cache
def make_key(request: HttpRequest) -> HttpResponse:
    """A key that sends and reads, made by an owner from the start page, which shows it this once."""
    membership = membership_of(request)
    if membership.role != Membership.Role.OWNER:
        return plain(request, 403, "Not yours to do", "Only an owner of this project makes keys.")
    key = create_key(membership.project, name="first", scopes=("ingest", "read"))
    return answer(request, pages.OVERVIEW, new_key=key)


@answers_plainly
@login_required
@require_POST
@never_cache
def remove_demo(request: HttpRequest) -> HttpResponse:
    """Take the demo project away with all that it holds, for an owner; no other project is ever deleted here."""
    membership = membership_of(request)
    if membership.role != Membership.Role.OWNER:
        return plain(request, 403, "Not yours to do", "Only an owner of the demo removes it.")
    try:
        removal.remove_demo(connection(), project_id=membership.project.pk)
    except removal.NotADemo as error:
        return plain(request, 400, "This is no demo", str(error))
    return HttpResponseRedirect(reverse("overview"))


@answers_plainly
@login_required
@require_safe
@never_cache
def arrived(request: HttpRequest) -> HttpResponse:
    """204 while a project has no calls; then the start page is told to load again."""
    covered = span_of_calls(membership_of(request).project, datetime.now(UTC))
    return HttpResponseClientRefresh() if covered.last_call_at else HttpResponse(status=204)
