"""What was wasted, counted honestly: each anomaly's own figure, their overlapping sum, and each run once.

Several findings about one run speak of the same tokens, so they cannot be added: the largest is what at least was
wasted, and it is never more than was used. Source: methods.md §11; litellm #38817
shows what a sum of overlaps is worth.
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
from telemetry.statements import statement


@dataclass(frozen=True, slots=True)
class Sum:
    """How many anomalies, and what they wasted by their own figures, in tokens: overlapping where a run has several."""

    anomalies: int = 0
    tokens_wasted: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.anomalies + other.anomalies, self.tokens_wasted + other.tokens_wasted)


_NONE = Sum()


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
    total, not_waste = _NONE, 0
    by_severity: dict[str, Sum] = {}
    by_detector: dict[str, Sum] = {}
    rows = waste_by_detector(conn, project_id=project_id, start=start, end=end, filters=filters)
    for detector, severity, anomalies, wasted, refused in rows:
        one = Sum(anomalies, int(wasted))
        total, not_waste = total + one, not_waste + refused
        if anomalies:
            by_severity[severity] = by_severity.get(severity, _NONE) + one
            by_detector[detector] = by_detector.get(detector, _NONE) + one
    runs, wasted_once = waste_once(conn, project_id=project_id, start=start, end=end, filters=filters)
    return WasteSums(
        total=total,
        runs=runs,
        tokens_once=wasted_once,
        not_waste=not_waste,
        by_severity=by_severity,
        by_detector=by_detector,
    )


def waste_by_detector(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None = None
) -> list[tuple[str, str, int, int, int]]:
    """(detector, severity, anomalies, tokens wasted, anomalies that are called no waste) of a span."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments: dict[str, Any] = {"project": project_id, "start": start, "end": end}
        query = sql.SQL(statement(__package__, "waste_by_detector")).format(filters=narrowing.clauses(filters))
        return cursor.execute(query, arguments | narrowing.arguments(filters)).fetchall()


def waste_once(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, filters: Filters | None = None
) -> tuple[int, int]:
    """(runs with waste, tokens) of a span, each run once."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments: dict[str, Any] = {"project": project_id, "start": start, "end": end}
        query = sql.SQL(statement(__package__, "waste_once")).format(filters=narrowing.clauses(filters))
        runs, wasted = cursor.execute(query, arguments | narrowing.arguments(filters)).fetchone() or (0, 0)
    return runs, int(wasted)
