"""The objectives page: what each objective cost in a range, how its runs went, and how far it has come meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from telemetry.access.projects import visible_projects
from telemetry.dashboards import formats, objectivetables, pages, pagestate, shell, starting, tablefile
from telemetry.dashboards.objectivepanels import ObjectiveReader, panels
from telemetry.dashboards.pages import Shown
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.views import membership_of, nearest, query_of, span_of_calls, state_of


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def objectives(request: HttpRequest) -> HttpResponse:
    """Spend by objective, with what is in none."""
    now, membership = datetime.now(UTC), membership_of(request)
    project, query = membership.project, query_of(request)
    with pages.snapshot(project.pk, now=now, exact=True) as conn:
        covered = span_of_calls(conn, project, now)
        state = replace(state_of(request, "objectives", project, covered, now).by_day(), previous=None)
        reader = ObjectiveReader(conn, project, replace(state, filters={}))
        of_page = panels(reader)
        if pagestate.word(query, "format"):
            return tablefile.answer(request, reader, of_page, query=query, page="objectives")
        shown = [pages.show(panel, reader) for panel in of_page] if covered.last_call_at else []
        context = {**_found(reader, shown), "nearest": nearest(state, covered)}
    around = shell.around(
        state, membership, visible_projects(membership.user_id), page="objectives", covered=covered, filtered=False
    )
    return render(
        request,
        "telemetry/objectives.html",
        {
            "shell": replace(around, compare=None),
            "state": state,
            "may_edit": request.user.is_staff and request.user.has_perm("telemetry.add_objective"),
            "start": starting.start(request, membership, now=now) if covered.last_call_at is None else None,
            **context,
        },
    )


def _found(reader: ObjectiveReader, shown: Sequence[Shown]) -> dict[str, object]:
    """What the page prints: its panels, what stands out, and from when on runs are kept."""
    failed = any(panel.failure for panel in shown)
    window, kept_from = reader.state.window, reader.project.calls_kept_from_at
    return {
        "panels": [panel for panel in shown if panel.content is not None or panel.failure],
        "has_charts": not failed and bool(shown) and reader.spend.total.cost_nanousd > 0,
        "is_empty": bool(shown) and not failed and not reader.spend.total.calls and not reader.spend.total.runs,
        "has_goals": failed or not shown or bool(reader.goals),
        "out_of_order": () if failed or not shown else objectivetables.out_of_order(reader.goals, reader.spend),
        "kept_from": formats.moment(kept_from, window) if kept_from and kept_from > window.start else "",
    }
