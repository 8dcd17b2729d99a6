"""Pages that are one long list: a range, filters, an order, fifty rows at a time, and the same rows as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from psycopg import Connection

from telemetry.access.projects import visible_projects
from telemetry.dashboards import listing, pages, pagestate, shell, starting, tablefile
from telemetry.dashboards.listing import Listing, Order, Pager
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.plainly import plain
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Table
from telemetry.dashboards.views import membership_of, query_of, span_of_calls, state_of
from telemetry.models import Project


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows that an address asks for, of how many, and what was asked."""

    table: Table
    total: int
    listing: Listing

    @property
    def choices(self) -> tuple[Order, ...]:
        """The orders that the list can be had in."""
        return self.listing.choices()

    @property
    def pager(self) -> Pager:
        """Where these rows stand."""
        return self.listing.pager(self.total)

    @property
    def csv_link(self) -> str:
        """The address of these rows as CSV, but for the table's name."""
        return self.listing.csv_link


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A page: its name in addresses and files, what its rows are called, its orders, what it may be filtered by, of
    that what no other page knows, and how it is read."""

    name: str
    title: str
    thing: str
    orders: Mapping[str, str]
    filters: tuple[str, ...]
    own_filters: tuple[str, ...]
    how: str
    read: Callable[[Connection[Any], Project, Listing], Listed]


def answer(request: HttpRequest, page: ListPage, *, now: datetime) -> HttpResponse:
    """The list that the address asks for, or its CSV. Raises what `answers_plainly` maps."""
    membership = membership_of(request)
    project, query = membership.project, query_of(request)
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        state = state_of(
            request,
            page.name,
            project,
            covered,
            now,
            own_words=listing.OWN_WORDS,
            own_filters=page.own_filters,
        )
        state = replace(state, previous=None)
        asked = listing.read(state, query, orders=page.orders)
        panel = Panel(page.name, page.title, "telemetry/_list.html", lambda _: page.read(conn, project, asked))
        reader = Reader(conn, project, state)
        shown = pages.show(panel, reader)
    content = shown.content
    if pagestate.word(query, "format"):
        return _csv(request, reader, page, shown)
    around = shell.around(state, membership, visible_projects(membership.user_id), page=page.name, covered=covered)
    context: dict[str, object] = {
        "shell": replace(around, compare=None),
        "state": state,
        "page": page,
        "shown": shown,
        "is_empty": isinstance(content, Listed) and content.total == 0,
        "unknown_filters": listing.unknown_filters(state, page.filters),
        "start": starting.start(request, membership, now=now) if covered.last_call_at is None else None,
    }
    return render(request, "telemetry/list.html", context)


def _csv(request: HttpRequest, reader: Reader, page: ListPage, shown: pages.Shown) -> HttpResponse:
    """The rows as CSV. Raises BadQuery."""
    tablefile.asked(query_of(request), [page.name])
    if not isinstance(shown.content, Listed):
        return plain(request, 503, "No table now", shown.failure)
    tablefile.refuse_many(shown.content.total if reader.state.all_rows else 0)
    period = tablefile.of_range(reader.state.window)
    return tablefile.attached(shown.content.table, f"{reader.project.slug}_{page.name}_{period}")
