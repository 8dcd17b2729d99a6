"""The trends page: a day beside the seven and the thirty before it, what is unusual, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from telemetry.access.projects import visible_projects
from telemetry.dashboards import formats, listing, pages, pagestate, shell, starting, tablefile, trendtables
from telemetry.dashboards.pages import Shown
from telemetry.dashboards.pagestate import BadQuery, PageState
from telemetry.dashboards.panel import Choice
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.trendpanels import Asked, TrendReader, panels
from telemetry.dashboards.views import membership_of, query_of, span_of_calls, state_of
from telemetry.models import Project
from telemetry.outlook.changes import LONGEST, PARTS, SHORTEST
from telemetry.outlook.verdicts import Verdict
from telemetry.series.queries import Coverage
from telemetry.series.window import parse_day, time_zone

ABOUT = "a day beside the 7 and the 30 before it"
OWN_WORDS = ("day", "against", "by", *listing.OWN_WORDS)
ORDERS = {"cost": "Cost"}
_DAY = timedelta(days=1)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def trends(request: HttpRequest) -> HttpResponse:
    """One day: what is unusual about it, how each series did, and what it cost more than a usual one, and why."""
    now, membership = datetime.now(UTC), membership_of(request)
    project, query = membership.project, query_of(request)
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        state = replace(state_of(request, "trends", project, covered, now, own_words=OWN_WORDS), previous=None)
        unknown = listing.unknown_filters(state, PARTS)
        asked = _asked(query, state, project, covered)
        narrowed = replace(state, filters={name: state.filters[name] for name in PARTS if name in state.filters})
        reader = TrendReader(conn, project, narrowed, asked)
        found = panels(reader, listing.read(narrowed, query, orders=ORDERS), lambda one: _address(state, one))
        if pagestate.word(query, "format"):
            return tablefile.answer(request, reader, found, query=query, page="trends", period=str(reader.asked.day))
        is_empty = covered.last_call_at is None
        shown = [] if is_empty else [pages.show(panel, reader) for panel in found]
    around = shell.around(
        state, membership, visible_projects(membership.user_id), page="trends", covered=covered, about=ABOUT
    )
    context = {
        "shell": around,
        "state": state,
        "panels": [one for one in shown if one.content is not None or one.failure],
        "has_charts": any(one.panel.template == "telemetry/_chart.html" for one in shown),
        "unknown_filters": unknown,
        "start": starting.start(request, membership, now=now) if is_empty else None,
        **_ways(state, asked),
        **_notes(reader, asked, shown),
    }
    return render(request, "telemetry/trends.html", context)


def _asked(query: pagestate.Query, state: PageState, project: Project, covered: Coverage) -> Asked:
    """What the address asks for. Raises BadQuery and BadWindow."""
    tz = time_zone(project.time_zone)
    today = state.now.astimezone(tz).date()
    since = covered.first_call_at.astimezone(tz).date() if covered.first_call_at else today
    said = pagestate.word(query, "day")
    day = parse_day(said) if said else today
    if day > today:
        raise BadQuery(f"{day} has not begun.")
    by = pagestate.word(query, "by") or PARTS[0]
    if by not in trendtables.BY:
        raise BadQuery(f"by={by!r} is not known; use {', '.join(trendtables.BY)}.")
    return Asked(
        day=day,
        today=today,
        since=min(since, day),
        against=_against(pagestate.word(query, "against")),
        by=by,
        series=_series(state.filters),
    )


def _against(said: str) -> Literal[7, 30]:
    """Raises BadQuery."""
    if said not in ("", "7", "30"):
        raise BadQuery(f"against={said!r} is not known; use 7 or 30.")
    return 7 if said == "7" else 30


def _series(filters: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """The series that filters name: all runs where there are none, and none where there are several values."""
    said = [(name, value) for name in PARTS for value in filters.get(name, ())]
    return ("project", "") if not said else said[0] if len(said) == 1 else None


def _address(state: PageState, one: Verdict) -> str:
    """The page of a series on a day."""
    narrowed = {} if one.dimension == "project" else {one.dimension: one.name}
    day = {"day": one.day.isoformat()}
    return state.link(drop=(*state.filters, "sort"), **day, **narrowed)


def _ways(state: PageState, asked: Asked) -> dict[str, object]:
    """Which day this is, the days around it, and how else it can be looked at."""

    def to(day: date) -> str:
        return state.link(drop=("day",)) if day == asked.today else state.link(day=day.isoformat())

    return {
        "day": f"{asked.day:%A}, {formats.day(asked.day)}",
        "so_far": asked.runs_on,
        "before": to(asked.day - _DAY) if asked.day > asked.since else "",
        "after": to(asked.day + _DAY) if asked.day < asked.today else "",
        "today": to(asked.today) if asked.day < asked.today else "",
        "bys": tuple(Choice(title, state.link(by=name), name == asked.by) for name, title in trendtables.BY.items()),
        "againsts": tuple(
            Choice(f"{days} days", state.link(against=str(days)), days == asked.against) for days in (SHORTEST, LONGEST)
        ),
    }


def _notes(reader: TrendReader, asked: Asked, shown: Sequence[Shown]) -> dict[str, object]:
    """What stands in place of what there is nothing of."""
    names = {one.panel.name for one in shown if one.content is not None}
    is_judged = "series" in names
    is_calm = is_judged and not reader.is_quiet and "unusual" not in names
    return {
        "is_quiet": is_judged and reader.is_quiet,
        "is_calm": is_calm,
        "outside": sum(one.is_outside for one in reader.verdicts()) if is_calm else 0,
        "is_not_judged": bool(shown) and not is_judged,
        "has_no_run": bool(shown) and not is_judged and not reader.whole().after.runs,
        "has_no_bands": asked.series is None,
        "hour": f"{reader.project.observed_at_hour:02d}:00",
        "zone": reader.project.time_zone,
    }
