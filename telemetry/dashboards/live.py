"""The live page: the last hundred calls of a project as they come, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from telemetry.access.projects import visible_projects
from telemetry.dashboards import formats, news, pages, shell
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.runlinks import session_address
from telemetry.dashboards.tables import Cell, Column, count, text
from telemetry.dashboards.views import membership_of, span_of_calls, state_of
from telemetry.series import recent
from telemetry.series.recent import RecentCall

ABOUT = "the last 100 calls, by their own time"
LINES = 100
BACK = timedelta(days=7)
_SHOWN = 8
COLUMNS = (
    Column("started_at", "Time", "text"),
    Column("agent", "Agent", "text"),
    Column("model", "Model", "text"),
    Column("cost_usd", "Cost"),
    Column("input_uncached", "Input", hint="Input tokens that no cache was asked for"),
    Column("output", "Output", hint="Output tokens, reasoning included"),
    Column("cache_read", "Cache read", hint="Input tokens that a cache served"),
    Column("cache_write", "Cache write", hint="Input tokens that were written to a cache"),
    Column("duration_ms", "Duration"),
    Column("source", "Source", "text", hint="The way by which the call came first"),
    Column("session", "Session", "text"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A call as a row; `is_new` where the page that asks has not shown it yet."""

    cells: tuple[Cell, ...]
    is_new: bool


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def live(request: HttpRequest) -> HttpResponse:
    """The tail of a project's calls. Asked for news: the tail if it changed, else 204."""
    now = datetime.now(UTC)
    membership = membership_of(request)
    with pages.snapshot(membership.project.pk, now=now) as conn:
        covered = span_of_calls(conn, membership.project, now)
        state = state_of(request, "live", membership.project, covered, now)
        calls = recent.newest_calls(
            conn,
            project_id=membership.project.pk,
            start=min(covered.last_call_at or now, now) - BACK,
            end=now + timedelta(days=1),
            limit=LINES,
            filters=state.filters,
        )
    mark = news.mark(calls)
    is_news = news.asks_for_news(request)
    if is_news and request.GET[news.SEEN] == mark:
        return HttpResponse(status=204)
    newest = calls[0].call_id if calls else ""
    context = {
        "columns": COLUMNS,
        "lines": _lines(calls, state, shown=request.GET.get("newest", "") if is_news else newest),
        "poll_url": state.link(seen=mark, newest=newest),
        "has_calls": covered.last_call_at is not None,
        "state": state,
    }
    if is_news:
        return render(request, "telemetry/_live.html", {**context, "is_news": True})
    around = shell.around(
        state,
        membership,
        visible_projects(membership.user_id),
        page="live",
        covered=covered,
        about=ABOUT,
    )
    return render(request, "telemetry/live.html", {"shell": around, **context})


def _lines(calls: Sequence[RecentCall], state: PageState, *, shown: str) -> list[Line]:
    """A row a call; those above the call `shown` are new. Where it is not among them, all are, and none is marked."""
    place = next((place for place, call in enumerate(calls) if call.call_id == shown), 0)
    return [Line(_cells(call, state), number < place) for number, call in enumerate(calls)]


def _cells(call: RecentCall, state: PageState) -> tuple[Cell, ...]:
    session = call.session_id if len(call.session_id) <= _SHOWN + 1 else f"{call.session_id[:_SHOWN]}…"
    link = state.with_filter
    return (
        _moment(call.started_at, state),
        text(call.agent, url=link("agent", call.agent)),
        text(call.model, url=link("model", call.model), note=call.error_type),
        _cost(call.cost_nanousd),
        *(count(tokens) for tokens in (call.input_uncached, call.output, call.cache_read, call.cache_write)),
        _duration(call.duration_ms),
        text(call.source, url=link("source", call.source)),
        text(call.session_id, shown=session, url=_session(call.session_id, state), hint="Open"),
    )


def _session(session_id: str, state: PageState) -> str:
    """The page of a session; calls that bear none are shown alone."""
    return session_address(state, session_id) if session_id else state.with_filter("session", "")


def _moment(at: datetime, state: PageState) -> Cell:
    """The time of today's calls; others bear their day too."""
    local, today = at.astimezone(state.window.tz), state.now.astimezone(state.window.tz).date()
    day = "" if local.date() == today else f"{local.day} {local:%b} "
    return Cell(f"{day}{local:%H:%M:%S}", local.isoformat(timespec="milliseconds"), words=True)


def _cost(nanousd: int | None) -> Cell:
    """Nothing is ever said to cost 0 because its price is not known."""
    return Cell("unpriced", "") if nanousd is None else Cell(formats.usd(nanousd), formats.exact_usd(nanousd))


def _duration(milliseconds: int | None) -> Cell:
    if milliseconds is None:
        return Cell("–", "")
    return Cell(formats.duration(milliseconds), str(milliseconds))
