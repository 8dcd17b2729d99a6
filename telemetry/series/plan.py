"""Which tables answer a question, and for which piece of its window each. Pure.

Calls are read only where a question needs a dimension that no rollup keeps. Otherwise days come from daily rows, where
they lie whole in one bucket of the question, and everything else from rows of a quarter hour. Daily rows are cut in one
zone a project, so a question in another zone finds its whole days inside its own, if it has any, and is exact as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from telemetry.series.window import local_midnight, quarter_of

Table = Literal[
    "call",
    "rollup_15m",
    "rollup_1d",
    "rollup_brief_15m",
    "rollup_brief_1d",
    "rollup_session_15m",
    "rollup_session_1d",
    "rollup_waste_15m",
    "rollup_waste_1d",
    "rollup_waste_brief_15m",
    "rollup_waste_brief_1d",
]
KEPT = ("provider", "model", "agent", "host", "session_type", "task_type", "tier")  # what rollups are grouped by
BRIEF = ("provider", "model", "agent", "task_type")  # what brief rollups are grouped by
SESSION = "session"  # kept by the rollups of sessions alone
MOST_PIECES = 128  # where a range falls into more, quarter hours are read throughout: planning would cost more
_SHORTEST_DAY = timedelta(hours=22)


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of `table` that begin in [start, end)."""

    table: Table
    start: datetime
    end: datetime


def reads_calls(dimensions: Collection[str], edges: Sequence[datetime], *, histograms: bool = False) -> bool:
    """Whether only calls can answer: for one of the dimensions, for histograms of sessions, which no rollup keeps, or
    for an edge inside a quarter hour."""
    kept = set(KEPT) if histograms else {*KEPT, SESSION}
    return bool(set(dimensions) - kept) or any(quarter_of(edge) != edge for edge in edges)


def may_read_days(edges: Sequence[datetime]) -> bool:
    """Whether a whole day may lie between two edges, so that the zone of daily rows matters."""
    return any(after - before >= _SHORTEST_DAY for before, after in pairwise(edges))


def pieces(
    edges: Sequence[datetime],
    dimensions: Collection[str],
    day_zone: ZoneInfo | None,
    *,
    newest_call_at: datetime | None = None,
    histograms: bool = False,
) -> tuple[Piece, ...]:
    """The pieces that make up a question's range, oldest first, without gap or overlap. `edges` are the beginnings of
    its buckets and its end; `day_zone` is the zone that daily rows are cut in, None where there are none. A range that
    ends after the newest call may as well end with that day, and then needs no quarters of it."""
    if reads_calls(dimensions, edges, histograms=histograms):
        return (Piece("call", edges[0], edges[-1]),)
    if day_zone and newest_call_at and newest_call_at < edges[-1]:
        edges = [*edges[:-1], _midnight_from(edges[-1], day_zone)]
    quarters, days = _tables(dimensions)
    return cut(edges, day_zone, quarters=quarters, days=days)


def cut(edges: Sequence[datetime], day_zone: ZoneInfo | None, *, quarters: Table, days: Table) -> tuple[Piece, ...]:
    """The same of two tables, whatever the question; no edge lies inside a quarter hour."""
    start, end = edges[0], edges[-1]
    found: list[Piece] = []
    at = start
    for first, last in _runs_of_days(edges, day_zone) if day_zone else ():
        if at < first:
            found.append(Piece(quarters, at, first))
        found.append(Piece(days, first, last))
        at = last
    if at < end or not found:
        found.append(Piece(quarters, at, end))
    return tuple(found) if len(found) <= MOST_PIECES else (Piece(quarters, start, end),)


def _tables(dimensions: Collection[str]) -> tuple[Table, Table]:
    """The rollups of quarters and of days that keep all of the dimensions, those with the fewest rows."""
    if SESSION in dimensions:
        return "rollup_session_15m", "rollup_session_1d"
    if set(dimensions) <= set(BRIEF):
        return "rollup_brief_15m", "rollup_brief_1d"
    return "rollup_15m", "rollup_1d"


def _runs_of_days(edges: Sequence[datetime], zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The stretches of whole local days that no edge cuts, each as long as it can be."""
    runs: list[tuple[datetime, datetime]] = []
    for before, after in pairwise(edges):
        if after - before < _SHORTEST_DAY:
            continue
        first, last = _midnight_from(before, zone), local_midnight(after.astimezone(zone).date(), zone)
        if first >= last:
            continue
        if runs and runs[-1][1] == first:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs


def _midnight_from(at: datetime, zone: ZoneInfo) -> datetime:
    """The first local midnight that is not before an instant."""
    day = at.astimezone(zone).date()
    while (midnight := local_midnight(day, zone)) < at:
        day += timedelta(days=1)
    return midnight
