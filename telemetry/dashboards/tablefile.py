"""A table of a page as a CSV file, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from telemetry.dashboards import pages, pagestate
from telemetry.dashboards.pagestate import BadQuery
from telemetry.dashboards.panel import HasTable, Panel
from telemetry.dashboards.plainly import plain
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import as_csv
from telemetry.dashboards.views import query_of


def answer(request: HttpRequest, reader: Reader, panels: Sequence[Panel], *, page: str, period: str) -> HttpResponse:
    """The table that the query names, of the panels of a page about a period. Raises BadQuery."""
    query = query_of(request)
    if pagestate.word(query, "format") != "csv":
        raise BadQuery("The only other format of a page is csv.")
    tables = {panel.name: panel for panel in panels if panel.name != "sums"}
    panel = tables.get(pagestate.word(query, "table"))
    if panel is None:
        raise BadQuery(f"Say which table: {', '.join(tables)}.")
    shown = pages.show(panel, reader)
    if shown.failure:
        return plain(request, 503, "No table now", shown.failure)
    if not isinstance(shown.content, HasTable):
        return plain(request, 404, "No table", "There is nothing in this table.")
    response = HttpResponse(as_csv(shown.content.table), content_type="text/csv; charset=utf-8")
    name = f"tloi_{reader.project.slug}_{page}_{panel.name}_{period}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
