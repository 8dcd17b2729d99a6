"""The reports: a month of them as a calendar, and each by itself, to read, to print, and as Markdown or JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from telemetry.access.projects import visible_projects
from telemetry.dashboards import pages, pagestate, reportcalendar, reportsheet, shell
from telemetry.dashboards.pagestate import BadQuery, PageState
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.reportcalendar import Known
from telemetry.dashboards.reportsheet import Sheet
from telemetry.dashboards.runlinks import run_address
from telemetry.dashboards.views import membership_of, query_of, span_of_calls, state_of
from telemetry.models import Project
from telemetry.observer.report import periods, shelf
from telemetry.observer.report.document import Document, UnknownVersion, Unusual, as_json
from telemetry.observer.report.markdown import as_markdown
from telemetry.observer.report.periods import KINDS, BadPeriod, Kind, Period
from telemetry.series.queries import Coverage
from telemetry.series.window import EARLIEST, time_zone

ABOUT = "what was wasted, where, and what to do"
_FORMS = {"md": ("text/markdown; charset=utf-8", as_markdown), "json": ("application/json", as_json)}


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def reports(request: HttpRequest) -> HttpResponse:
    """A month as a calendar: which days were reported, and how they went."""
    now, membership = datetime.now(UTC), membership_of(request)
    project = membership.project
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        state = state_of(request, "reports", project, covered, now, own_words=("month",))
        known = _known(project, covered, now)
        month = _month(pagestate.word(query_of(request), "month"), known)
        weeks = (periods.around(month.first_day, "weekly"), periods.around(month.last_day, "weekly"))
        listed = shelf.listed(project.pk, first=weeks[0].first_day, last=weeks[1].last_day, kinds=KINDS)
    summaries = {one.period: one.summary for one in listed}
    calendar = reportcalendar.month_of(month, summaries, known, address=lambda period: _address(state, period))
    around = shell.around(
        state,
        membership,
        visible_projects(membership.user_id),
        page="reports",
        covered=covered,
        about=ABOUT,
        filtered=False,
    )
    context = {
        "shell": around,
        "state": state,
        "calendar": calendar,
        "month": month,
        "before": state.link(month=month.before().name) if month.first_day > EARLIEST else "",
        "after": state.link(month=month.after().name) if month.is_over(known.zone, now) else "",
        "first": reportcalendar.first_report(known) if not listed else "",
        "is_empty": covered.last_call_at is None,
        "hour": f"{project.observed_at_hour:02d}:00",
    }
    return render(request, "telemetry/reports.html", context)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def report(request: HttpRequest, kind: str, period: str) -> HttpResponse:
    """One report as a page, or with `format` as Markdown or JSON; 404 with the reason where there is none."""
    now, membership = datetime.now(UTC), membership_of(request)
    project, asked = membership.project, _period(kind, period)
    form = pagestate.word(query_of(request), "format")
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        state = state_of(request, "reports", project, covered, now)
        try:
            document = shelf.find(project.pk, asked)
        except UnknownVersion as error:
            return plain(request, 404, "This report cannot be read", str(error))
    why = "" if document else shelf.why_none(asked, zone=project.time_zone, hour=project.observed_at_hour, now=now)
    if form:
        return _file(request, project, document, form, why)
    around = shell.around(
        state,
        membership,
        visible_projects(membership.user_id),
        page="reports",
        covered=covered,
        about=ABOUT,
        filtered=False,
    )
    context = {
        "shell": around,
        "state": state,
        "period": asked,
        "why": why,
        "sheet": document and _sheet(document, state),
        **_ways(state, asked, now, project.time_zone),
    }
    return render(request, "telemetry/report.html", context, status=200 if document else 404)


def _file(request: HttpRequest, project: Project, document: Document | None, form: str, why: str) -> HttpResponse:
    """The report in another form. Raises BadQuery."""
    if form not in _FORMS:
        raise BadQuery(f"The other formats of a report are {', '.join(_FORMS)}.")
    if document is None:
        return plain(request, 404, "No report", why)
    content_type, printed = _FORMS[form]
    response = HttpResponse(printed(document), content_type=content_type)
    response.headers["Content-Disposition"] = f'inline; filename="tloi_{project.slug}_report_{document.period}.{form}"'
    return response


def _sheet(document: Document, state: PageState) -> Sheet:
    """The page of a report; its tasks lead to their executions, a severity to all its anomalies of these days."""
    days = {"from": document.first_day.isoformat(), "to": document.last_day.isoformat()}

    def anomalies_address(severity: str) -> str:
        return state.link(reverse("anomalies"), drop=("range",), severity=severity, **days)

    def trend_address(one: Unusual) -> str:
        narrowed = {} if one.dimension == "project" else {one.dimension: one.name}
        return state.link(reverse("trends"), drop=(*state.filters,), day=one.day.isoformat(), **narrowed)

    return reportsheet.sheet(
        document,
        run_address=lambda key: run_address(state, key),
        anomalies_address=anomalies_address,
        trend_address=trend_address,
    )


def _ways(state: PageState, period: Period, now: datetime, zone: str) -> dict[str, str]:
    """Where one goes from a report: the one before, the one after, its month, its other forms."""
    address = _address(state, period)
    return {
        "before": _address(state, period.before()) if period.first_day > EARLIEST else "",
        "after": _address(state, period.after()) if period.is_over(zone, now) else "",
        "calendar_url": state.link(month=f"{period.first_day:%Y-%m}"),
        "other_form": f"{address}{'&' if '?' in address else '?'}format=",
    }


def _address(state: PageState, period: Period) -> str:
    return state.link(reverse("report", args=(period.kind, period.name)))


def _period(kind: str, name: str) -> Period:
    """Raises BadQuery."""
    try:
        period = periods.read(name)
    except BadPeriod as error:
        raise BadQuery(str(error)) from None
    if kind != period.kind:
        raise BadQuery(f"{name} is a {_WORDS[period.kind]}: its report stands at {period.kind}/{name}.")
    return period


_WORDS: dict[Kind, str] = {"daily": "day", "weekly": "week", "monthly": "month"}


def _month(text: str, known: Known) -> Period:
    """The month that is asked for, or that runs. Raises BadQuery."""
    if not text:
        return periods.around(known.now.astimezone(time_zone(known.zone)).date(), "monthly")
    return _period("monthly", text)


def _known(project: Project, covered: Coverage, now: datetime) -> Known:
    first_at = covered.first_call_at
    first_day = first_at.astimezone(time_zone(project.time_zone)).date() if first_at else None
    return Known(zone=project.time_zone, hour=project.observed_at_hour, first_day=first_day, now=now)
