"""Panel: one row a day and model, newest first: the daily tokens and cost by model."""

from __future__ import annotations

from telemetry.dashboards import formats, sums, twin
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import (
    USAGE_COLUMNS,
    Cell,
    Column,
    Row,
    Table,
    summary,
    text,
    usage_cells,
)
from telemetry.series.queries import SeriesPoint

ROWS = 200


def build(reader: Reader) -> Table:
    """The newest days first, within a day the dearest model first; the oldest rows of a long range are summed up."""
    window, whole = reader.state.window, reader.total()
    marks = twin.settled_colours(reader)
    points = sorted(reader.by_model(), key=_newest_then_dearest)
    shown = points if reader.state.all_rows else points[:ROWS]

    def line(point: SeriesPoint) -> Row:
        day, model = point.at.astimezone(window.tz).date(), point.usage.key
        name = text(model, url=reader.state.with_filter("model", model), mark=marks.get(model, 0))
        date = Cell(f"{day:%a} {formats.day(day)}", day.isoformat(), words=True)
        return Row((date, name, *usage_cells(point.usage, whole)))

    rows = [line(point) for point in shown]
    if len(shown) < len(points):
        rest = sums.total(point.usage for point in points[ROWS:])
        rows.append(summary("others", 2, usage_cells(rest, whole)))
    keys = (Column("day", "Week of" if window.bucket == "1w" else "Day", "text"), Column("model", "Model", "text"))
    total = summary("total", 2, usage_cells(whole, whole))
    return Table((*keys, *USAGE_COLUMNS), tuple(rows), total, shortened=len(shown) < len(points))


PANEL = Panel("days", "By day and model", "telemetry/_table.html", build)


def _newest_then_dearest(point: SeriesPoint) -> tuple[float, int, int, str]:
    return -point.at.timestamp(), -point.usage.cost_nanousd, -point.usage.tokens, point.usage.key
