"""A table of a page as a CSV file, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from telemetry.dashboards import formats, pages, pagestate
from telemetry.dashboards.listing import MOST_CSV_ROWS
from telemetry.dashboards.pagestate import BadQuery, Query
from telemetry.dashboards.panel import HasTable, Panel
from telemetry.dashboards.plainly import plain
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Table, as_csv
from telemetry.series.window import Window


def answer(
    request: HttpRequest,
    reader: Reader,
    panels: Sequence[Panel],
    *,
    query: Query,
    page: str,
    period: str = "",
    rows: int = 0,
) -> HttpResponse:
    """The table that the query names, of the panels of a page; `period` where that is not the range of the page.
    `rows` are those of its longest table, where all of them are asked for. Raises BadQuery."""
    tables = {panel.name: panel for panel in panels if panel.name != "sums"}
    panel = tables[asked(query, list(tables))]
    refuse_many(rows)
    shown = pages.show(panel, reader)
    if shown.failure:
        return plain(request, 503, "No table now", shown.failure)
    if not isinstance(shown.content, HasTable):
        return plain(request, 404, "No table", "There is nothing in this table.")
    period = period or of_range(reader.state.window)
    return attached(shown.content.table, f"{reader.project.slug}_{page}_{panel.name}_{period}")


def asked(query: Query, tables: Sequence[str]) -> str:
    """Which of the tables the query asks for as CSV. Raises BadQuery."""
    if pagestate.word(query, "format") != "csv":
        raise BadQuery("The only other format of a page is csv.")
    name = pagestate.word(query, "table")
    if name not in tables:
        raise BadQuery(f"Say which table: {', '.join(tables)}.")
    return name


def refuse_many(rows: int) -> None:
    """Raises BadQuery where a table of so many rows is too long to be sent by a page."""
    if rows > MOST_CSV_ROWS:
        most = formats.whole(MOST_CSV_ROWS)
        raise BadQuery(f"A table of more than {most} rows is too long; take a shorter range, or the API.")


def of_range(window: Window) -> str:
    """The range as a part of a file's name: its first and its last day."""
    return f"{window.first_day}_{window.last_day}"


def attached(table: Table, name: str) -> HttpResponse:
    """The table as a file of that name; what no file name should hold becomes a dash."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    response = HttpResponse(as_csv(table), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="tloi_{safe}.csv"'
    return response
