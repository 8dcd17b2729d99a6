"""What is done on a page: make the first key, ask whether calls have arrived."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from telemetry.access.keys import create_key
from telemetry.dashboards import pages
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.views import answer, membership_of, span_of_calls
from telemetry.models import Membership


@login_required
@require_POST
@never_cache
@answers_plainly
def make_key(request: HttpRequest) -> HttpResponse:
    """A key that sends and reads, made by an owner from the start page, which shows it this once."""
    membership = membership_of(request)
    if membership.role != Membership.Role.OWNER:
        return plain(request, 403, "Not yours to do", "Only an owner of this project makes keys.")
    return answer(request, pages.OVERVIEW, new_key=create_key(membership.project, name="first", scopes=["ingest", "read"]))


@login_required
@require_safe
@never_cache
@answers_plainly
def arrived(request: HttpRequest) -> HttpResponse:
    """204 while a project has no calls; then the start page is told to load again."""
    covered = span_of_calls(membership_of(request).project, datetime.now(UTC))
    return HttpResponseClientRefresh() if covered.last_call_at else HttpResponse(status=204)
