"""What is done on a page: a first key, a price, a budget, asking whether calls came, taking the demo away."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from telemetry.access.keys import create_key
from telemetry.access.projects import may_grant, may_price
from telemetry.dashboards import budget_form, pages
from telemetry.dashboards.budget_form import BadBudget
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.price_form import PriceForm, price_calls, saved
from telemetry.dashboards.views import BEGINNING, BUDGETS_ABOUT, answer, membership_of, span_of_calls
from telemetry.database import connection
from telemetry.ledger import removal
from telemetry.models import Membership

PATIENCE_S = 10


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
def price_model(request: HttpRequest) -> HttpResponse:
    """A price for a model of the project, by an owner or editor; the calls that are here are priced at once. Back to
    the page as it was, or the page with what is wrong beside the fields."""
    membership, now = membership_of(request), datetime.now(UTC)
    if not may_price(membership):
        return plain(request, 403, "Not yours to do", "Only an owner or editor of this project prices models.")
    form = PriceForm(membership, request.POST)
    override = saved(form, user_id=membership.user_id)
    if override is None:
        return answer(request, pages.MODELS, price_form=form, status=422)
    all_known = pages.catch_up(membership.project.pk, now=now, patience=PATIENCE_S)
    first = span_of_calls(connection(), membership.project, now).first_call_at if all_known else BEGINNING
    messages.success(request, price_calls(override, first_call_at=first, now=now))
    pages.catch_up(membership.project.pk, now=now, patience=PATIENCE_S)  # who made a price sees its costs next
    return HttpResponseRedirect(f"{reverse('models')}?{request.GET.urlencode()}#main")


@answers_plainly
@login_required
@require_POST
@never_cache
def change_budget(request: HttpRequest) -> HttpResponse:
    """Another amount or mode of a budget, by an owner or editor. Back to the page, or the page with what is wrong."""
    membership = membership_of(request)
    if not may_grant(membership):
        return plain(request, 403, "Not yours to do", "Only an owner or editor of this project changes budgets.")
    try:
        said = budget_form.save(membership.project.pk, request.POST.dict(), user_id=membership.user_id)
    except BadBudget as error:
        return answer(request, pages.BUDGETS, about=BUDGETS_ABOUT, wrong=str(error), status=422)
    messages.success(request, said)
    return HttpResponseRedirect(f"{reverse('budgets')}?{request.GET.urlencode()}#panel-budgets")


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
    project, now = membership_of(request).project, datetime.now(UTC)
    pages.catch_up(project.pk, now=now)
    covered = span_of_calls(connection(), project, now)
    return HttpResponseClientRefresh() if covered.last_call_at else HttpResponse(status=204)
