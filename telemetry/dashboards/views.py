"""The pages: an address becomes a state, a state is read, and what was read is printed or sent as CSV."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.access.projects import may_grant, visible_project, visible_projects
from telemetry.dashboards import formats, pages, pagestate, shell, starting, tablefile
from telemetry.dashboards.budget_form import Row, rows_of
from telemetry.dashboards.pages import Page, Shown
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.price_form import PriceForm, form_for
from telemetry.dashboards.reader import Reader
from telemetry.database import reads
from telemetry.models import Membership, Project, Quarantined
from telemetry.observer.alerts.standing import standing
from telemetry.series import plan, queries
from telemetry.series.queries import Coverage
from telemetry.series.rows import waiting_minutes
from telemetry.series.window import EARLIEST, PRESETS, by_preset

BUDGETS_ABOUT = "what was granted, what is used of it, and what it will come to"
BEGINNING = datetime(EARLIEST.year, EARLIEST.month, EARLIEST.day, tzinfo=UTC)  # no call is older


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def overview(request: HttpRequest) -> HttpResponse:
    """How much, is it normal, what changed?"""
    return answer(request, pages.OVERVIEW)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def models(request: HttpRequest) -> HttpResponse:
    """Daily tokens and cost by model."""
    return answer(request, pages.MODELS)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def budgets(request: HttpRequest) -> HttpResponse:
    """What is used of each budget, and when it will be used up."""
    return answer(request, pages.BUDGETS, about=BUDGETS_ABOUT)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def routing(request: HttpRequest) -> HttpResponse:
    """Which tiers answered, why, what that cost, and how they are."""
    return answer(request, pages.ROUTING)


def membership_of(request: HttpRequest) -> Membership:
    """The person's membership in the project that the address names. Raises UnknownProject and BadQuery."""
    slug = pagestate.word(query_of(request), "project")
    return visible_project(int(request.user.pk or 0), slug or None)


def span_of_calls(conn: Connection[Any], project: Project, now: datetime) -> Coverage:
    """The oldest and the newest call of a project, and what is not added up yet."""
    covered = queries.coverage(conn, project_id=project.pk, start=BEGINNING, end=now + timedelta(days=1))
    return replace(covered, waiting_minutes=waiting_minutes(conn, project_id=project.pk))


def answer(
    request: HttpRequest,
    page: Page,
    *,
    about: str = "",
    new_key: str = "",
    price_form: PriceForm | None = None,
    wrong: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page in the state that the address asks for; one that is `about` something has neither ranges nor filters.
    `new_key` is shown once; `price_form` says what is wrong in it, `wrong` what is with a budget. Raises what
    `answers_plainly` maps."""
    now, query = datetime.now(UTC), query_of(request)
    membership = membership_of(request)
    with pages.snapshot(membership.project.pk, now=now) as conn:
        covered = span_of_calls(conn, membership.project, now)
        state = state_of(request, page.name, membership.project, covered, now)
        state = state.by_day() if page.by_day else state
        state = state if page.compares else replace(state, previous=None)
        reader = Reader(conn, membership.project, state)
        if pagestate.word(query, "format"):
            return tablefile.answer(request, reader, list(page.tables.values()), query=query, page=page.name)
        shown = [pages.show(panel, reader) for panel in page.panels] if covered.last_call_at else []
        context = _context(page, reader, covered, shown)
        if page is pages.MODELS:
            context["price_form"] = _price_form(reader, membership, price_form)
            context["price_url"] = state.link(reverse("price-model"))
        if page is pages.BUDGETS and may_grant(membership):
            context |= {"budget_rows": _budget_rows(reader), "budget_url": reverse("change-budget"), "wrong": wrong}
    if covered.last_call_at is None or new_key:
        context["start"] = starting.start(request, membership, now=now, key=new_key)
    apart: dict[str, Any] = {"about": about, "filtered": False} if about else {}
    around = shell.around(
        state, membership, visible_projects(membership.user_id), page=page.name, covered=covered, **apart
    )
    around = around if page.compares else replace(around, compare=None)
    return render(request, "telemetry/page.html", {"shell": around, "state": state, **context}, status=status)


def _budget_rows(reader: Reader) -> tuple[Row, ...]:
    try:
        return rows_of(reader.outlook())
    except psycopg.Error:
        return ()


def _price_form(reader: Reader, membership: Membership, sent: PriceForm | None) -> PriceForm | None:
    """The form that was sent, or an empty one; None where it has no place, or its panel says what failed."""
    try:
        unpriced = reader.unpriced_models()
    except psycopg.Error:
        return None
    return sent.offer(unpriced) if sent else form_for(membership, unpriced)


def state_of(
    request: HttpRequest,
    page: str,
    project: Project,
    covered: Coverage,
    now: datetime,
    *,
    path: str = "",
    own_words: Collection[str] = (),
    own_filters: Collection[str] = (),
) -> PageState:
    """The state that an address of the page of that name asks for; a range that it says is remembered. `own_…` are the
    words and filters that no other page knows; `path` is for a page that is not at its name's address. Raises BadQuery
    and BadWindow."""
    query = query_of(request)
    state = pagestate.read(
        path or reverse(page),
        query,
        dimensions=queries.DIMENSIONS,
        zone=project.time_zone,
        now=now,
        first_call_at=covered.first_call_at,
        remembered=request.session.get("range", {}),
        own_words=own_words,
        own_filters=own_filters,
    )
    if {"range", "from"} & query.keys() and request.session.get("range") != state.range_words:
        request.session["range"] = state.range_words
    return state


def _context(page: Page, reader: Reader, covered: Coverage, shown: list[Shown]) -> dict[str, object]:
    """What the page's own part prints: its panels, or where to look instead when the range holds nothing."""
    state = reader.state
    empty = bool(shown) and not any(panel.failure for panel in shown) and reader.total().calls == 0
    return {
        "panels": [panel for panel in shown if panel.content is not None or panel.failure],
        "has_charts": any(panel.panel.template == "telemetry/_chart.html" for panel in shown) and not empty,
        "empty": empty,
        "nearest": nearest(state, covered) if empty else None,
        "kept_from": _kept_from(reader),
        "alerts": standing(reader.project.pk, using=reads()) if page is pages.OVERVIEW else None,
        "quarantined": Quarantined.objects.using(reads()).filter(project_id=reader.project.pk).count()
        if page is pages.OVERVIEW
        else 0,
    }


def _kept_from(reader: Reader) -> str:
    """Since when there are calls, where calls alone can answer the page's filters and its ranges begin before that."""
    state, kept_from_at = reader.state, reader.project.calls_kept_from_at
    start = (state.previous or state.window).start
    if kept_from_at is None or kept_from_at <= start or not plan.reads_calls(state.filters, [start]):
        return ""
    return formats.moment(kept_from_at, state.window)


def nearest(state: PageState, covered: Coverage) -> shell.Link:
    """The shortest range that holds the newest call."""
    titles = {preset: hint for preset, _, _, hint in shell.RANGES}
    last = covered.last_call_at or state.now
    for preset in PRESETS:
        window = by_preset(preset, zone=state.window.zone, now=state.now)
        if preset != "all" and window.start <= last < window.end:
            return shell.Link(titles[preset], state.link(drop=("from", "to"), range=preset))
    return shell.Link(titles["all"], state.link(drop=("from", "to"), range="all"))


def query_of(request: HttpRequest) -> dict[str, list[str]]:
    """The query string, each name with all its values."""
    return dict(request.GET.lists())
