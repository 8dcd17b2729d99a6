"""The invoice check: a provider's own total for a period beside ours, and where the two drift apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.access.projects import visible_projects
from telemetry.dashboards import drift, driftables, formats, pages, pagestate, shell, tablefile
from telemetry.dashboards.drift import Compared, Ours
from telemetry.dashboards.pagestate import BadQuery, PageState
from telemetry.dashboards.plainly import answers_plainly
from telemetry.dashboards.tables import Column, Row, Table, text
from telemetry.dashboards.views import membership_of, query_of, span_of_calls, state_of
from telemetry.ledger import invoices
from telemetry.ledger.invoices import Invoice
from telemetry.models import Membership
from telemetry.series import queries
from telemetry.series.window import by_days, by_preset

ABOUT = "what providers bill, beside what was recorded here"
EDITORS = (Membership.Role.OWNER, Membership.Role.EDITOR)
LISTED_FOR = timedelta(days=1400)
MOST_PROVIDERS = 50
LIST_COLUMNS = (
    Column("period", "Period (UTC)", "text"),
    Column("provider", "Provider", "text"),
    Column("origin", "From", "text"),
    *driftables.FIGURES,
)
TABLES = ("invoices", "models", "days", "days-and-models")


@dataclass(frozen=True, slots=True)
class Named:
    """A table with its name in addresses and its title."""

    name: str
    title: str
    table: Table


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def invoice(request: HttpRequest) -> HttpResponse:
    """Every invoice of the project with its drift; with `check`, one of them by model and day."""
    return answer(request, membership_of(request))


def may_edit(membership: Membership) -> bool:
    """Whether a person may enter and remove invoices."""
    return membership.role in EDITORS


def answer(
    request: HttpRequest, membership: Membership, *, wrong: str = "", typed: Mapping[str, str] | None = None
) -> HttpResponse:
    """The page; `wrong` says why what was `typed` is not kept. Raises what `answers_plainly` maps."""
    now = datetime.now(UTC)
    project = membership.project
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        state = state_of(request, "invoice", project, covered, now)
        found = invoices.invoices(project_id=project.pk)
        chosen = _chosen(request, found)
        tables = [Named("invoices", "Invoices", _list(conn, project.pk, found, state))] if found else []
        calls = 0
        if chosen:
            details, calls = _details(conn, request, project.pk, chosen)
            tables += details
        providers = _providers(conn, project.pk, now)
    if pagestate.word(query_of(request), "format"):
        return _csv(request, project.slug, tables, chosen)
    around = shell.around(
        state,
        membership,
        visible_projects(membership.user_id),
        page="invoice",
        covered=covered,
        about=ABOUT,
        filtered=False,
    )
    context = {
        "shell": around,
        "state": state,
        "tables": tables,
        "has_calls": calls > 0,
        "providers": providers,
        "may_edit": may_edit(membership),
        "wrong": wrong,
        "typed": typed or _typed(chosen),
        **_about(state, chosen),
    }
    return render(request, "telemetry/invoice.html", context, status=400 if wrong else 200)


def _about(state: PageState, chosen: Invoice | None) -> dict[str, object]:
    """What the page says of the invoice that it shows."""
    return {
        "chosen": chosen,
        "title": _title(chosen) if chosen else "",
        "csv_link": f"{_address(state, chosen)}&format=csv" if chosen else "",
    }


def _chosen(request: HttpRequest, found: Sequence[Invoice]) -> Invoice | None:
    """The invoice that `check` names; without it, the latest. Raises BadQuery."""
    asked = pagestate.word(query_of(request), "check")
    if not asked:
        return found[0] if found else None
    for one in found:
        if str(one.id) == asked:
            return one
    raise BadQuery("There is no such invoice in this project.")


def _list(conn: Connection[Any], project_id: int, found: Sequence[Invoice], state: PageState) -> Table:
    """A row an invoice. All of ours is read at once, by day and provider, over the years that are listed."""
    last = max(one.last_day for one in found)
    listed = [one for one in found if one.first_day > last - LISTED_FOR]
    window = by_days(min(one.first_day for one in listed), last, zone="UTC", bucket="1d")
    points = queries.usage_series(conn, project_id=project_id, window=window, by="provider")
    rows = []
    for one in listed:
        ours = [
            Ours(day, "", point.usage.cost_nanousd, point.usage.calls, point.usage.unpriced_calls)
            for point in points
            if point.usage.key == one.provider and one.first_day <= (day := point.at.date()) <= one.last_day
        ]
        period = text(f"{one.first_day}/{one.last_day}", shown=_title(one), url=_address(state, one))
        figures = driftables.figures(drift.total(one.amount_nanousd, (), ours))
        rows.append(Row((period, text(one.provider), text(one.origin or "typed in"), *figures)))
    return Table(LIST_COLUMNS, tuple(rows))


def _details(conn: Connection[Any], request: HttpRequest, project_id: int, one: Invoice) -> tuple[list[Named], int]:
    """One invoice by model, by day, and by both; and how many calls of ours stand beside it."""
    window = by_days(one.first_day, one.last_day, zone="UTC", bucket="1d")
    filters = {"provider": [one.provider]}
    points = queries.usage_series(conn, project_id=project_id, window=window, by="model", filters=filters)
    ours = [
        Ours(point.at.date(), usage.key, usage.cost_nanousd, usage.calls, usage.unpriced_calls)
        for point in points
        for usage in (point.usage,)
    ]
    lines = invoices.lines_of(project_id=project_id, invoice_id=one.id)
    detailed = bool(one.origin)
    whole: Compared = drift.total(one.amount_nanousd, lines, ours)
    all_rows = pagestate.word(query_of(request), "rows") == "all"
    tables = [
        Named("models", "By model", driftables.by_model(lines, ours, whole, detailed=detailed)),
        Named("days", "By day", driftables.by_day(lines, ours, whole, detailed=detailed)),
        Named(
            "days-and-models",
            "By day and model",
            driftables.by_both(lines, ours, whole, detailed=detailed, all_rows=all_rows),
        ),
    ]
    return tables, whole.calls


def _providers(conn: Connection[Any], project_id: int, now: datetime) -> list[str]:
    """The names that calls of the last 90 days bear for their providers."""
    window = by_preset("90d", zone="UTC", now=now)
    rows = queries.usage_by(conn, project_id=project_id, window=window, by="provider", limit=MOST_PROVIDERS)
    return [row.key for row in rows if row.key]


def _title(one: Invoice) -> str:
    return f"{formats.day(one.first_day)} – {formats.day(one.last_day)}"


def _address(state: PageState, one: Invoice | None) -> str:
    return state.link(check=str(one.id)) if one else state.link()


def _typed(one: Invoice | None) -> dict[str, str]:
    """What the form begins with: the chosen invoice where a person typed it, to be corrected."""
    if one is None or one.origin:
        return {"provider": one.provider if one else ""}
    return {
        "provider": one.provider,
        "from": one.first_day.isoformat(),
        "to": one.last_day.isoformat(),
        "amount": formats.exact_usd(one.amount_nanousd),
    }


def _csv(request: HttpRequest, slug: str, tables: Sequence[Named], one: Invoice | None) -> HttpResponse:
    """One table of the page. Raises BadQuery."""
    asked = tablefile.asked(query_of(request), TABLES)
    for named in tables:
        if named.name == asked:
            period = f"_{one.provider}_{one.first_day}_{one.last_day}" if one and asked != "invoices" else ""
            return tablefile.attached(named.table, f"{slug}_invoice_{asked}{period}")
    raise BadQuery("No invoice has been entered yet.")
