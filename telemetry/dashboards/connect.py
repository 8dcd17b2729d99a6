"""The Connect page: how data gets in, and whether it does. Each card turns green by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe
from psycopg import Connection

from telemetry.access.keys import create_key
from telemetry.access.projects import visible_projects
from telemetry.dashboards import formats, news, pages, shell, sourcestates, starting
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.sourcecards import CARDS, Snippet, SourceCard
from telemetry.dashboards.sourcestates import Heard, Refusal, SourceState
from telemetry.dashboards.views import membership_of, span_of_calls, state_of
from telemetry.ledger import intake
from telemetry.models import Membership
from telemetry.series import recent
from telemetry.series.window import Window

ABOUT = "how calls come in"
DAY = timedelta(hours=24)
REFUSALS_FOR = timedelta(days=30)
MOST_REFUSALS = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """A source as the page prints it: its card, where it has one, with the snippets filled in, and its state."""

    title: str
    card: SourceCard | None
    snippets: tuple[Snippet, ...]
    state: SourceState
    since: str
    refusals: tuple[tuple[Refusal, str], ...]


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def connect(request: HttpRequest) -> HttpResponse:
    """A card a source: what to tell it, and what came of it. Asked for news, what changed since, or 204."""
    return _answer(request, membership_of(request))


@answers_plainly
@login_required
@require_POST
@never_cache
def make_key(request: HttpRequest) -> HttpResponse:
    """A key that sends and reads, made by an owner, filled in this once."""
    membership = membership_of(request)
    if membership.role != Membership.Role.OWNER:
        return plain(request, 403, "Not yours to do", "Only an owner of this project makes keys.")
    return _answer(request, membership, key=create_key(membership.project, name="connect", scopes=("ingest", "read")))


def _answer(request: HttpRequest, membership: Membership, key: str = "") -> HttpResponse:
    now = datetime.now(UTC)
    with pages.snapshot(membership.project.pk, now=now) as conn:
        heard = _heard(conn, membership.project.pk, now)
        mark = news.mark((*heard, *(one.state for one in sourcestates.states(heard, now=now))))
        if news.asks_for_news(request) and request.GET[news.SEEN] == mark:
            return HttpResponse(status=204)
        heard = _with_calls(conn, heard, membership.project.pk, now)
        covered = span_of_calls(conn, membership.project, now)
    state = state_of(request, "connect", membership.project, covered, now)
    start = starting.start(request, membership, now=now, key=key)
    shown = [_shown(one, start, state.window) for one in sourcestates.states(heard, now=now)]
    context = {
        "sources": shown,
        "poll_url": f"{reverse('connect')}?project={membership.project.slug}&tz={state.window.zone}&seen={mark}",
        "state": state,
    }
    if news.asks_for_news(request):
        return render(request, "telemetry/_source_states.html", {**context, "is_news": True})
    around = shell.around(
        state,
        membership,
        visible_projects(membership.user_id),
        page="connect",
        covered=covered,
        about=ABOUT,
        filtered=False,
    )
    return render(request, "telemetry/connect.html", {"shell": around, "start": start, "new_key": key, **context})


def _heard(conn: Connection[Any], project_id: int, now: datetime) -> list[Heard]:
    """What the intake knows of each source: two looks into small tables."""
    seen = {one.source: one.last_received_at for one in intake.sources_seen(conn, project_id=project_id)}
    refusals: dict[str, list[Refusal]] = {}
    for one in intake.refused_since(conn, project_id=project_id, since=now - REFUSALS_FOR):
        refusals.setdefault(one.source, []).append(Refusal(one.reason, one.count, one.last_at, one.sample_id))
    return [
        Heard(source, seen.get(source), tuple(refusals.get(source, ())))
        for source in sorted(seen.keys() | refusals.keys())
    ]


def _with_calls(conn: Connection[Any], heard: Iterable[Heard], project_id: int, now: datetime) -> list[Heard]:
    """The same with the calls of the last day. A source of which only calls are known was last heard of with them."""
    known = {one.source: one for one in heard}
    brought: dict[str, list[recent.SourceModel]] = {}
    for line in recent.calls_by_source(conn, project_id=project_id, start=now - DAY, end=now + DAY):
        brought.setdefault(line.source, []).append(line)
    found = []
    for source in sorted(known.keys() | brought.keys()):
        one, lines = known.get(source, Heard(source)), brought.get(source, [])
        newest = max((min(line.newest_at, now) for line in lines), default=None)
        models = tuple((line.model, line.calls, line.unpriced_calls) for line in lines)
        found.append(Heard(source, one.last_at or newest, one.refusals, models))
    return found


def _shown(state: SourceState, start: starting.Start, window: Window) -> Shown:
    card = next((card for card in CARDS if card.name == state.name), None)
    snippets = card.snippets if card else ()
    return Shown(
        title=card.title if card else state.name,
        card=card,
        snippets=tuple(Snippet(snippet.where, start.filled_in(snippet.words), snippet.instead) for snippet in snippets),
        state=state,
        since=formats.moment(state.last_at, window) if state.last_at else "",
        refusals=tuple((one, formats.moment(one.last_at, window)) for one in state.refusals[:MOST_REFUSALS]),
    )
