"""Panels of one run or one session: how its context grew, what it had cost, who called, and the calls themselves.

They ask of calls what is bounded, however many there are; each fails on its own, as panels of other pages do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from telemetry.contracts import UsageRow
from telemetry.dashboards import callcurves, calltables
from telemetry.dashboards.charts import Figure
from telemetry.dashboards.listing import Listing, Pager
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.tables import Table
from telemetry.series import call_reading
from telemetry.series.call_reading import Calls, Parts
from telemetry.series.run_rows import Point

CALLS_A_PAGE = 200
TABLE, CHART = "telemetry/_table.html", "telemetry/_chart.html"


@dataclass(slots=True)
class Told:
    """What panels read of these calls, asked once each. `usage` are their sums, as rollups know them."""

    conn: Connection[Any]
    calls: Calls
    usage: UsageRow
    state: PageState
    page: int = 1
    _points: list[Point] | None = field(default=None)
    _parts: Parts | None = field(default=None)

    def points(self) -> list[Point]:
        """The calls as points of curves."""
        if self._points is None:
            self._points = call_reading.call_points(self.conn, self.calls)
        return self._points

    def parts(self) -> Parts:
        """The calls by sub-agent, skill and model."""
        if self._parts is None:
            self._parts = call_reading.call_parts(self.conn, self.calls)
        return self._parts


@dataclass(frozen=True, slots=True)
class Paged:
    """A page of a table."""

    table: Table
    pager: Pager


def panels(told: Told) -> tuple[Panel, ...]:
    """The panels of these calls, from top to bottom."""
    kinds: tuple[tuple[str, str, str, Callable[[Told], object | None]], ...] = (
        ("context", "Context growth", CHART, _contexts),
        ("spending", "Cumulative cost", CHART, _spending),
        ("subagents", "Main conversation and sub-agents", TABLE, _subagents),
        ("call-models", "Models", TABLE, _models),
        ("skills", "Skills", TABLE, _skills),
        ("calls", "Calls in order", "telemetry/_calls.html", _calls),
    )
    return tuple(Panel(name, title, template, _bound(build, told)) for name, title, template, build in kinds)


def _bound(build: Callable[[Told], object | None], told: Told) -> Callable[[object], object | None]:
    return lambda _: build(told)


def _contexts(told: Told) -> Chart | None:
    """The input of each call in order; None where there is nothing to compare."""
    points = told.points()
    if len(points) < 2:
        return None
    figure = callcurves.figure(callcurves.contexts(points), is_money=False)
    table = callcurves.context_table(points, told.state)
    return _chart("context", figure, callcurves.context_summary(points), table)


def _spending(told: Told) -> Chart | None:
    """What all calls up to each had cost; None where none of them has a price."""
    points = told.points()
    if len(points) < 2 or told.usage.unpriced_calls >= told.usage.calls:
        return None
    figure = callcurves.figure(callcurves.spending(points), is_money=True)
    table = callcurves.spending_table(points, told.state)
    return _chart("spending", figure, callcurves.spending_summary(points, told.usage.unpriced_calls), table)


def _chart(name: str, figure: Figure, summary: str, table: Table) -> Chart:
    return Chart(figure_id=f"figure-{name}", figure=figure, summary=summary, table=table)


def _subagents(told: Told) -> Table | None:
    """Who called; None where the main conversation did alone."""
    parts = told.parts().subagent
    return calltables.subagents_table(parts, told.state) if any(part.usage.key for part in parts) else None


def _models(told: Told) -> Table | None:
    """By model; None where there is one."""
    parts = told.parts().model
    return calltables.parts_table(parts, calltables.MODEL_COLUMNS) if len(parts) > 1 else None


def _skills(told: Told) -> Table | None:
    """By skill; None where calls bear none."""
    parts = told.parts().skill
    return calltables.parts_table(parts, calltables.SKILL_COLUMNS) if parts else None


def _calls(told: Told) -> Paged | None:
    """A page of the calls, in order."""
    asked = Listing(told.state, {}, "", told.page, CALLS_A_PAGE).within(told.usage.calls)
    calls = call_reading.calls_in_order(told.conn, told.calls, limit=CALLS_A_PAGE, offset=asked.offset)
    if not calls:
        return None
    return Paged(calltables.calls_table(calls, told.state), asked.pager(told.usage.calls))
