"""The page of one session: what it came to, its runs, how its context grew, who called, call by call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.contracts import UsageRow
from telemetry.dashboards import callpanels, details, facts, formats, listing, pages, runlinks, runtables
from telemetry.dashboards.callpanels import Told
from telemetry.dashboards.details import Detail
from telemetry.dashboards.executions import found_in
from telemetry.dashboards.facts import Fact, said
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.tables import Table
from telemetry.dashboards.views import membership_of, query_of, span_of_calls, state_of
from telemetry.database import reads
from telemetry.models import Project, Session
from telemetry.series import call_reading, narrowing, queries, run_reading
from telemetry.series.run_reading import InRuns
from telemetry.series.window import QUARTER, Window, quarter_of

RUNS = 50
CLOCKS_DIFFER = timedelta(hours=1)  # a run may seem to begin before its session
WAITING = "Its calls are being added up. Load the page again in a moment."
UNKNOWN = "This project has no session of that id. It may belong to another project."


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def session(request: HttpRequest, session_id: str) -> HttpResponse:
    """What happened in this conversation, and what did it cost?"""
    now = datetime.now(UTC)
    membership = membership_of(request)
    project = membership.project
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        path = reverse("session", args=[session_id])
        state = state_of(request, "sessions", project, covered, now, path=path)
        page = listing.page_number(query_of(request))
        detail = _detail(conn, project, session_id, state, page) if "\0" not in session_id else None
    if detail is None:
        return plain(request, 404, "No such session", UNKNOWN)
    return details.answer(request, detail, page="sessions", state=state, membership=membership, covered=covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A session as rollups know it: when its first and its last call were, and what its calls add up to."""

    key: str
    first_at: datetime
    last_at: datetime
    usage: UsageRow
    in_runs: InRuns


def _detail(conn: Connection[Any], project: Project, key: str, state: PageState, page: int) -> Detail | None:
    """What there is to say of a session; None where there is none."""
    known = Session.objects.using(reads()).filter(project_id=project.pk, session_id=key).first()
    span = narrowing.span_of_sessions(conn, project_id=project.pk, sessions=[key])
    if span is None:
        return None if known is None else _waiting(known, state)
    seen = _seen(conn, project, key, span, state)
    calls = call_reading.calls_of_session(
        conn, project_id=project.pk, session_id=key, first_at=seen.first_at, last_at=seen.last_at
    )
    told = Told(conn, calls, seen.usage, state, page)
    panels = (
        Panel("findings", "Findings", callpanels.TABLE, lambda _: _findings(project.pk, seen, state)),
        Panel("runs", _runs_title(seen), callpanels.TABLE, lambda _: _runs(conn, project, seen, state)),
        *callpanels.panels(told),
    )
    return Detail(
        kind="session",
        key=key,
        title="Session",
        facts=_facts(seen, known, state),
        figures=facts.figures(
            seen.usage,
            failed_calls=None,
            lasted_ms=(seen.last_at - seen.first_at) // timedelta(milliseconds=1),
            how_long="from its first call to its last",
        ),
        panels=details.shown(panels, project, told),
    )


def _seen(
    conn: Connection[Any], project: Project, key: str, span: tuple[datetime, datetime], state: PageState
) -> _Seen:
    """What the whole session comes to, whatever the range that the page came from."""
    first, last = span
    whole = Window(start=quarter_of(first), end=quarter_of(last) + QUARTER, zone=state.window.zone, bucket="1d")
    usage = queries.usage_total(conn, project_id=project.pk, window=whole, filters={"session": [key]})
    in_runs = run_reading.session_in_runs(conn, project_id=project.pk, session_id=key)
    return _Seen(key=key, first_at=first, last_at=last, usage=usage, in_runs=in_runs)


def _facts(seen: _Seen, known: Session | None, state: PageState) -> list[Fact]:
    sessions = reverse("sessions")
    everything = tuple(state.filters)
    agent, host, kind = (known.agent, known.host, known.session_type) if known else ("", "", "")
    runs, share = seen.in_runs.runs, formats.percent(seen.in_runs.tokens, seen.usage.tokens)

    def elsewhere(page: str) -> str:
        return state.link(reverse(page), drop=(*everything, "from", "to"), session=seen.key, range="all")

    ran = f"{runs:,}, with {share}% of its tokens" if runs else ""
    return [
        *said("Agent", agent, url=state.link(sessions, drop=everything, agent=agent)),
        *said("Host", host, url=state.link(sessions, drop=everything, host=host)),
        *said("Kind", kind, url=state.link(sessions, drop=everything, session_type=kind)),
        *details.moment("First call", seen.first_at, state),
        *details.moment("Last call", seen.last_at, state),
        *said("Executions", ran, url=elsewhere("executions"), hint="List them"),
        *said("Its share", "Show it on the overview", url=elsewhere("overview"), hint="Open"),
        *said("Newest calls", "Show them as they come", url=elsewhere("live"), hint="Open"),
    ]


def _waiting(known: Session, state: PageState) -> Detail:
    """What is known of a session whose sums are not made yet."""
    return Detail(
        kind="session",
        key=known.session_id,
        title="Session",
        facts=[
            *said("Agent", known.agent),
            *said("Host", known.host),
            *said("Kind", known.session_type),
            *details.moment("First call", known.started_at, state),
        ],
        waiting=WAITING,
    )


def _findings(project_id: int, seen: _Seen, state: PageState) -> Table | None:
    found = details.findings(
        reads(),
        project_id,
        session_id=seen.key,
        started_at__gte=seen.first_at - CLOCKS_DIFFER,
        started_at__lte=seen.last_at,
    )
    return facts.findings_table(found, run=runlinks.links(state).run)


def _runs_title(seen: _Seen) -> str:
    more = f", the first {RUNS} of {seen.in_runs.runs:,}" if seen.in_runs.runs > RUNS else ""
    return f"Executions{more}"


def _runs(conn: Connection[Any], project: Project, seen: _Seen, state: PageState) -> Table | None:
    """The runs of the session, oldest first; None where it has none."""
    runs = run_reading.runs_of_session(conn, project_id=project.pk, session_id=seen.key, limit=RUNS)
    if not runs:
        return None
    found = found_in(project.pk, [run.execution_id for run in runs])
    return runtables.runs_table(runs, found, state=state, links=runlinks.from_detail(state, "executions")).shown
