"""The page of executions: the runs that began in a range, fifty at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.dashboards import lists, runlinks, runtables
from telemetry.dashboards.listing import Listing
from telemetry.dashboards.lists import Listed, ListPage
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.runtables import Found
from telemetry.database import reads
from telemetry.models import Anomaly, Project
from telemetry.series import run_reading
from telemetry.series.run_reading import FILTERS, Order

OWN_FILTERS = ("task", "same_task", "status")


def read(conn: Connection[Any], project: Project, listing: Listing) -> Listed:
    """The runs that an address asks for, as a table."""
    state = listing.state
    window, filters = state.window, {name: state.filters[name] for name in state.filters if name in FILTERS}
    total = run_reading.count_runs(conn, project_id=project.pk, start=window.start, end=window.end, filters=filters)
    listing = listing.within(total)
    runs = run_reading.runs_between(
        conn,
        project_id=project.pk,
        start=window.start,
        end=window.end,
        filters=filters,
        order=cast(Order, listing.sort),
        limit=listing.limit,
        offset=listing.offset,
    )
    found = found_in(project.pk, [run.execution_id for run in runs])
    table = runtables.runs_table(runs, found, state=state, links=runlinks.links(state), shortened=total > len(runs))
    return Listed(table, total, listing)


PAGE = ListPage(
    name="executions",
    title="Executions",
    thing="execution",
    how="An execution is one run of a task: as an agent sends it, or as TLOI cuts it out of a transcript or a trace.",
    orders={"start": "Newest", "tokens": "Tokens", "cost": "Cost", "duration": "Duration"},
    filters=tuple(FILTERS),
    own_filters=OWN_FILTERS,
    read=read,
)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def executions(request: HttpRequest) -> HttpResponse:
    """Which runs were there, and what did each cost?"""
    return lists.answer(request, PAGE, now=datetime.now(UTC))


def found_in(project_id: int, runs: Sequence[str]) -> dict[str, Found]:
    """How many anomalies each of these runs has, less those that a person called no waste and those that no longer
    hold; runs without any are left out."""
    anomalies = Anomaly.objects.using(reads()).filter(project_id=project_id, execution_id__in=list(runs))
    counted = (
        anomalies.exclude(state=Anomaly.State.NOT_WASTE)
        .exclude(evidence__contains={"holds": False})
        .values("execution_id")
        .annotate(
            high=Count("execution_id", filter=Q(severity=Anomaly.Severity.HIGH)),
            medium=Count("execution_id", filter=Q(severity=Anomaly.Severity.MEDIUM)),
        )
    )
    return {row["execution_id"]: Found(row["high"], row["medium"]) for row in counted}
