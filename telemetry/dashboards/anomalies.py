"""The anomalies page: what was wasted in a range, where and by which rule, and what people make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.access.projects import may_judge, visible_projects
from telemetry.dashboards import facets, findingrows, formats, listing, pages, pagestate, shell, starting, tablefile
from telemetry.dashboards.anomalypanels import AnomalyReader, detectors_panel, sums_panel, trend_panel
from telemetry.dashboards.facets import Facet
from telemetry.dashboards.findingrows import Line, Links
from telemetry.dashboards.listing import Listing, Order, Pager
from telemetry.dashboards.pages import Shown
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.runlinks import run_address, session_address
from telemetry.dashboards.tables import Table
from telemetry.dashboards.views import membership_of, nearest, query_of, span_of_calls, state_of
from telemetry.models import Detector
from telemetry.observer import verdicts
from telemetry.observer.anomalies import Order as ListOrder
from telemetry.observer.anomalies import listed, runs_begun
from telemetry.observer.narrowing import FILTERS

ORDERS = {"severity": "Severity", "newest": "Newest"}
OWN_FILTERS = ("detector", "severity", "state")
TITLES = dict(Detector.choices)
FACETS = {  # in the order of the page
    "severity": ("Severity", findingrows.SEVERITIES),
    "state": ("State", findingrows.STATES),
    "detector": ("Type", TITLES),
}
FACET_NAMES = tuple(FACETS)


@dataclass(frozen=True, slots=True)
class AnomalyList:
    """The anomalies that an address asks for, of how many, with what narrows them further."""

    lines: tuple[Line, ...]
    table: Table
    total: int
    listing: Listing
    facets: tuple[Facet, ...]

    @property
    def choices(self) -> tuple[Order, ...]:
        """The orders that the list can be had in."""
        return self.listing.choices()

    @property
    def pager(self) -> Pager:
        """Where these rows stand."""
        return self.listing.pager(self.total)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def anomalies(request: HttpRequest) -> HttpResponse:
    """Anomalies of runs that began in a range, high ones first, each with its evidence."""
    now = datetime.now(UTC)
    membership = membership_of(request)
    project, query = membership.project, query_of(request)
    with pages.snapshot(project.pk, now=now, exact=True) as conn:
        covered = span_of_calls(conn, project, now)
        words = listing.OWN_WORDS
        state = state_of(request, "anomalies", project, covered, now, own_words=words, own_filters=OWN_FILTERS)
        unknown = listing.unknown_filters(state, tuple(FILTERS))
        state = replace(state, filters={name: state.filters[name] for name in state.filters if name in FILTERS})
        reader = AnomalyReader(conn, project, state)
        asked = listing.read(state, query, orders=ORDERS)
        panels = _panels(conn, reader, asked)
        if pagestate.word(query, "format"):
            rows = facets.total(reader.shown) if reader.state.all_rows else 0
            return tablefile.answer(request, reader, panels, query=query, page="anomalies", rows=rows)
        shown = {panel.name: pages.show(panel, reader) for panel in panels}
        context = {
            **_found(conn, reader, shown),
            "proposals": verdicts.proposals(conn, project_id=project.pk),
            "nearest": nearest(state, covered),
            "unknown_filters": unknown,
        }
    return render(
        request,
        "telemetry/anomalies.html",
        {
            "shell": shell.around(
                state, membership, visible_projects(membership.user_id), page="anomalies", covered=covered
            ),
            "state": state,
            "may_judge": may_judge(membership),
            "may_edit": request.user.is_staff and request.user.has_perm("telemetry.change_detectorrule"),
            "states": findingrows.STATES,
            "said": request.GET.urlencode(),
            "start": starting.start(request, membership, now=now) if covered.last_call_at is None else None,
            **context,
        },
    )


def _panels(conn: Connection[Any], reader: AnomalyReader, asked: Listing) -> tuple[Panel, ...]:
    """The page from top to bottom; each is read, and may fail, on its own."""

    def build(_: Reader) -> AnomalyList:
        return _list(conn, reader, asked)

    return (
        sums_panel(reader),
        trend_panel(reader, TITLES),
        Panel("anomalies", "Anomalies", "telemetry/_findings.html", build),
        detectors_panel(reader, TITLES),
    )


def _list(conn: Connection[Any], reader: AnomalyReader, asked: Listing) -> AnomalyList:
    """The rows that an address asks for; a page behind the last one is the last one."""
    state, total = reader.state, facets.total(reader.shown)
    asked = asked.within(total)
    found = listed(
        conn,
        project_id=reader.project.pk,
        start=state.window.start,
        end=state.window.end,
        filters=state.filters,
        order=cast(ListOrder, asked.sort),
        limit=asked.limit,
        offset=asked.offset,
    )
    links = Links(
        run=lambda execution_id: run_address(state, execution_id),
        session=lambda session_id: session_address(state, session_id),
        narrowed=state.with_filter,
    )
    return AnomalyList(
        lines=tuple(findingrows.line(one, state=state, links=links) for one in found),
        table=findingrows.table(found, state=state, links=links),
        total=total,
        listing=asked,
        facets=tuple(
            facets.facet(state, name, title, values, reader.counts, FACET_NAMES)
            for name, (title, values) in FACETS.items()
        ),
    )


def _found(conn: Connection[Any], reader: AnomalyReader, shown: Mapping[str, Shown]) -> dict[str, object]:
    """What the page prints of its panels, or why there is nothing: `runs` began and none of them wasted anything, or
    none began at all; where there are filters it is these that leave nothing."""
    content = shown["anomalies"].content
    is_empty = isinstance(content, AnomalyList) and content.total == 0
    window = reader.state.window
    runs = 0
    if is_empty and not reader.state.filters:
        runs = runs_begun(conn, project_id=reader.project.pk, start=window.start, end=window.end)
    return {
        "panels": [panel for panel in shown.values() if panel.content is not None or panel.failure],
        "list": content if isinstance(content, AnomalyList) else None,
        "is_empty": is_empty,
        "runs": runs,
        "runs_shown": formats.whole(runs),
        "has_charts": shown["trend"].content is not None,
    }
