"""The page of forecasts: how right they were, what alerts were worth, and each beside what became of its run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.access.projects import visible_projects
from telemetry.dashboards import forecastpanels, forecasttables, listing, pages, pagestate, runlinks, shell, tablefile
from telemetry.dashboards import starting as starts
from telemetry.dashboards.forecastpanels import ForecastReader
from telemetry.dashboards.listing import Listing
from telemetry.dashboards.lists import Listed
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.views import membership_of, nearest, query_of, span_of_calls, state_of
from telemetry.outlook import forecast_reading
from telemetry.outlook.expected import FEWEST_RUNS
from telemetry.outlook.forecast_reading import FILTERS
from telemetry.outlook.forecast_reading import Order as RowOrder

ORDERS = {"newest": "Newest", "likeliest": "Likeliest to exceed", "furthest": "Furthest above"}
OWN_FILTERS = ("task", "tool", "level")


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def forecasts(request: HttpRequest) -> HttpResponse:
    """Forecasts that were made in a range, and how they did."""
    now = datetime.now(UTC)
    membership = membership_of(request)
    project, query = membership.project, query_of(request)
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        state = state_of(
            request, "forecasts", project, covered, now, own_words=listing.OWN_WORDS, own_filters=OWN_FILTERS
        )
        unknown = listing.unknown_filters(state, tuple(FILTERS))
        known = {name: state.filters[name] for name in state.filters if name in FILTERS}
        state = replace(state, filters=known, previous=None)
        reader = ForecastReader(conn, project, state)
        asked = listing.read(state, query, orders=ORDERS)
        panels = (*forecastpanels.panels(reader), _list_panel(conn, reader, asked))
        if pagestate.word(query, "format"):
            rows = reader.whole.forecasts if reader.state.all_rows else 0
            return tablefile.answer(request, reader, panels, query=query, page="forecasts", rows=rows)
        shown = [pages.show(panel, reader) for panel in panels]
    around = shell.around(state, membership, visible_projects(membership.user_id), page="forecasts", covered=covered)
    last = covered.last_call_at
    elsewhere = last is not None and not state.window.start <= last < state.window.end
    found = next((one.content for one in shown if one.panel.name == "forecasts"), None)
    return render(
        request,
        "telemetry/forecasts.html",
        {
            "shell": replace(around, compare=None),
            "state": state,
            "panels": [one for one in shown if one.content is not None or one.failure],
            "is_empty": isinstance(found, Listed) and found.total == 0,
            "fewest_runs": FEWEST_RUNS,
            "nearest": nearest(state, covered) if elsewhere else None,
            "has_charts": True,
            "unknown_filters": unknown,
            "start": starts.start(request, membership, now=now) if covered.last_call_at is None else None,
        },
    )


def _list_panel(conn: Connection[Any], reader: ForecastReader, asked: Listing) -> Panel:
    """The forecasts themselves, fifty at a time; a page behind the last one is the last one."""

    def build(_: Reader) -> Listed:
        state, total = reader.state, reader.whole.forecasts
        within = asked.within(total)
        rows = forecast_reading.forecasts_between(
            conn,
            project_id=reader.project.pk,
            start=state.window.start,
            end=state.window.end,
            filters=state.filters,
            order=cast(RowOrder, within.sort),
            limit=within.limit,
            offset=within.offset,
        )
        links = runlinks.links(state)
        table = forecasttables.forecast_table(rows, state=state, links=links, shortened=total > len(rows))
        return Listed(table, total, within)

    return Panel("forecasts", "Forecasts", "telemetry/_list.html", build)
