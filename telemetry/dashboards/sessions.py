"""The page of sessions: the conversations that went on in a range, fifty at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.dashboards import lists, runlinks, sessiontables
from telemetry.dashboards.listing import Listing
from telemetry.dashboards.lists import Listed, ListPage
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.sessiontables import Known
from telemetry.database import reads
from telemetry.models import Project, Session
from telemetry.series import session_reading
from telemetry.series.session_reading import FILTERS, Order


def read(conn: Connection[Any], project: Project, listing: Listing) -> Listed:
    """The sessions that an address asks for, as a table."""
    state, filters = listing.state, {name: said for name, said in listing.state.filters.items() if name in FILTERS}
    found, total = session_reading.sessions_between(
        conn,
        project_id=project.pk,
        window=state.window,
        filters=filters,
        order=cast(Order, listing.sort),
        limit=listing.limit,
        offset=listing.offset,
    )
    if not found and listing.page > 1:
        return read(conn, project, listing.first())
    keys = [session.session_id for session in found]
    models = session_reading.session_models(
        conn, project_id=project.pk, window=state.window, sessions=keys, filters=filters
    )
    table = sessiontables.sessions_table(
        found,
        models,
        _known(project.pk, keys),
        state=state,
        links=runlinks.links(state),
        shortened=total > len(found),
    )
    return Listed(table, total, listing)


PAGE = ListPage(
    name="sessions",
    title="Sessions",
    thing="session",
    how="Sessions appear where calls bear a session: one conversation of an agent, its sub-agents included.",
    orders={"cost": "Cost", "tokens": "Tokens", "start": "Newest"},
    filters=tuple(FILTERS),
    own_filters=(),
    read=read,
)


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def sessions(request: HttpRequest) -> HttpResponse:
    """Which conversations were dear?"""
    return lists.answer(request, PAGE, now=datetime.now(UTC))


def _known(project_id: int, keys: Sequence[str]) -> dict[str, Known]:
    """What is known of sessions beside their calls, by their id."""
    found = Session.objects.using(reads()).filter(project_id=project_id, session_id__in=list(keys))
    return {key: Known(agent, host) for key, agent, host in found.values_list("session_id", "agent", "host")}
