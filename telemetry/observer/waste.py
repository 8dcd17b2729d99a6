"""What was wasted, counted honestly: each anomaly's own figure, their overlapping sum, and each run once.

Several findings about one run speak of the same tokens, so they cannot be added: the largest is what at least was
wasted, and it is never more than was used. Source: methods.md §11; litellm #38817
shows what a sum of overlaps is worth. What rollups keep is read from them (`series/waste_sums.py`), all else from
anomalies: what is narrowed to a session or a run, and each run once of some detectors, severities or states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from telemetry.observer import narrowing
from telemetry.observer.findings import Finding
from telemetry.observer.narrowing import Filters
from telemetry.series import waste_sums
from telemetry.series.waste_sums import Waste
from telemetry.statements import statement


@dataclass(frozen=True, slots=True)
class Sum:
    """How many anomalies, and what they wasted by their own figures, in tokens: overlapping where a run has several."""

    anomalies: int = 0
    tokens_wasted: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.anomalies + other.anomalies, self.tokens_wasted + other.tokens_wasted)


_NONE = Sum()
_NOT_WASTE = "not_waste"


@dataclass(frozen=True, slots=True, kw_only=True)
class WasteSums:
    """The waste of a span. `total` is the sum over anomalies, overlapping; `tokens_once` counts each of the `runs` that
    have any once. `not_waste`: how many anomalies a person called no waste, which are in none of the sums."""

    total: Sum = _NONE
    runs: int = 0
    tokens_once: int = 0
    not_waste: int = 0
    by_severity: Mapping[str, Sum] = field(default_factory=dict)
    by_detector: Mapping[str, Sum] = field(default_factory=dict)


def once(findings: Iterable[Finding]) -> int:
    """What one run wasted, given what was found about it: the largest figure, never above its total. Pure."""
    return max((min(one.tokens_wasted, one.tokens) for one in findings), default=0)


def sums(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None = None
) -> WasteSums:
    """The waste of the runs begun in [start, end), as far as they are judged. What no longer holds is in no sum.
    `filters` are those of narrowing.py. Raises UnknownFilter."""
    asked: dict[str, Any] = {"project_id": project_id, "start": start, "end": end, "filters": filters}
    rows, is_kept = _rows(conn, **asked), waste_sums.is_kept([start, end], filters)
    total, not_waste = _NONE, 0
    by_severity: dict[str, Sum] = {}
    by_detector: dict[str, Sum] = {}
    for row in rows:
        if row.state == _NOT_WASTE:
            not_waste += row.anomalies
        elif row.detector:
            one = Sum(row.anomalies, row.tokens_wasted)
            total += one
            by_severity[row.severity] = by_severity.get(row.severity, _NONE) + one
            by_detector[row.detector] = by_detector.get(row.detector, _NONE) + one
    counted = _counted_once(rows, filters or {}, has_runs=is_kept)
    runs, wasted_once = waste_once(conn, **asked) if counted is None else counted
    return WasteSums(
        total=total,
        runs=runs,
        tokens_once=wasted_once,
        not_waste=not_waste,
        by_severity=by_severity,
        by_detector=by_detector,
    )


def _rows(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None
) -> list[Waste]:
    """What was found, of a whole span, from where that is read fastest."""
    edges = [start, end]
    if waste_sums.is_kept(edges, filters):
        return waste_sums.waste_by(conn, project_id=project_id, edges=edges, filters=filters)
    return waste_by_detector(conn, project_id=project_id, start=start, end=end, filters=filters)


def _counted_once(rows: Iterable[Waste], filters: Filters, *, has_runs: bool) -> tuple[int, int] | None:
    """(runs with waste, tokens), each run once, where the rows say that: a run has one finding of a detector, and where
    all findings count, runs have rows of their own."""
    if len({*filters.get("detector", ())}) == 1:
        own = [row for row in rows if row.detector and row.state != _NOT_WASTE]
    elif has_runs and not {*filters} & {*waste_sums.FOUND}:
        own = [row for row in rows if not row.detector]
    else:
        return None
    return sum(row.anomalies for row in own), sum(row.tokens_once for row in own)


def waste_by_detector(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None = None
) -> list[Waste]:
    """What the anomalies of a span come to by detector, severity and state."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments: dict[str, Any] = {"project": project_id, "start": start, "end": end}
        query = sql.SQL(statement(__package__, "waste_by_detector")).format(filters=narrowing.clauses(filters))
        rows = cursor.execute(query, arguments | narrowing.arguments(filters)).fetchall()
    return [Waste._make((1, *found, int(wasted), int(once))) for *found, wasted, once in rows]


def waste_once(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None = None
) -> tuple[int, int]:
    """(runs with waste, tokens) of a span, each run once."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments: dict[str, Any] = {"project": project_id, "start": start, "end": end}
        query = sql.SQL(statement(__package__, "waste_once")).format(filters=narrowing.clauses(filters))
        runs, wasted = cursor.execute(query, arguments | narrowing.arguments(filters)).fetchone() or (0, 0)
    return runs, int(wasted)
