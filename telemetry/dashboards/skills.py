"""The page of skills: what was loaded, what it put into contexts, how long it took, and how runs that had it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from telemetry.access.projects import visible_projects
from telemetry.dashboards import counselling, listing, pages, pagestate, shell, skillpanels, tablefile
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.skillpanels import SkillReader
from telemetry.dashboards.views import membership_of, query_of, span_of_calls, state_of
from telemetry.series.skill_reading import FILTERS

OWN_FILTERS = ("skill",)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def skills(request: HttpRequest) -> HttpResponse:
    """Loads of a range by skill, beside what there is to be loaded."""
    now = datetime.now(UTC)
    membership = membership_of(request)
    project, query = membership.project, query_of(request)
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        state = state_of(request, "skills", project, covered, now, own_filters=OWN_FILTERS)
        unknown = listing.unknown_filters(state, tuple(FILTERS))
        known = {name: state.filters[name] for name in state.filters if name in FILTERS}
        state = replace(state, filters=known, previous=None)
        reader = SkillReader(conn, project, state)
        panels = skillpanels.panels(reader)
        if pagestate.word(query, "format"):
            return tablefile.answer(request, reader, panels[1:], query=query, page="skills")
        shown = [pages.show(panel, reader) for panel in panels]
        is_quiet = not any(one.failure for one in shown) and not reader.told.totals
    said = counselling.panel_of(membership, state)
    around = shell.around(state, membership, visible_projects(membership.user_id), page="skills", covered=covered)
    return render(
        request,
        "telemetry/skills.html",
        {
            "shell": replace(around, compare=None),
            "state": state,
            "panels": [one for one in shown if one.content is not None or one.failure],
            "is_quiet": is_quiet,
            "has_charts": not is_quiet,
            "unknown_filters": unknown,
            "counselling": said,
            "said_address": request.GET.urlencode(),
        },
    )
