"""What tests of the rollups share: rows as they are stored, and as a second way of counting says they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row

from telemetry.database import connection
from telemetry.series.histogram import bin_of
from telemetry.series.rollups import Freshness, catch_up
from telemetry.series.window import local_midnight
from tests.ledger_reading import NOW

DIMENSIONS = ("provider", "model", "agent", "host", "session_type", "task_type", "tier")
BUCKETS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")
BRIEF = ("provider", "model", "agent", "task_type")
KEPT = ("15m", "1d", "brief_15m", "brief_1d", "session_15m", "session_1d", "session")
FAILED = ("failed", "failure", "error")
Row = tuple[Any, ...]  # the bucket, the session where there is one, the dimensions


@dataclass
class Sums:
    """What one row holds."""

    measures: Counter[str] = field(default_factory=Counter)
    durations: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    moments: list[datetime] = field(default_factory=list)

    def shown(self, *, has_histograms: bool) -> Row:
        """To be compared; sums of 0 are left out."""
        ends = (min(self.moments), max(self.moments)) if self.moments else (None, None)
        counts = (dict(self.durations), dict(self.tokens)) if has_histograms else ()
        return ({name: value for name, value in self.measures.items() if value}, *ends, *counts)


Tables = dict[str, dict[Row, Row]]


def fold(tenant: int, *, now: datetime = NOW) -> Freshness:
    """Fold all that is marked."""
    freshness = catch_up(connection(), project_id=tenant, now=now, patience=60)
    assert freshness.is_clean
    return freshness


def folded(tenant: int) -> Tables:
    """The rows of every rollup that is kept, as they are stored."""
    return {name: dict(_stored(tenant, name)) for name in KEPT}


def counted(tenant: int, zone: str = "UTC") -> Tables:
    """The same by reading every call and execution, one at a time."""
    tables: dict[str, dict[Row, Sums]] = {name: {} for name in KEPT}
    for moment, session, dimensions, sums in (*_calls(tenant), *_executions(tenant)):
        for width, bucket in (("15m", _quarter(moment)), ("1d", _day(moment, ZoneInfo(zone)))):
            _add(tables[width].setdefault((bucket, *dimensions), Sums()), sums)
            _add(tables[f"session_{width}"].setdefault((bucket, session, *dimensions), Sums()), sums)
            brief = (value for name, value in zip(DIMENSIONS, dimensions, strict=True) if name in BRIEF)
            _add(tables[f"brief_{width}"].setdefault((bucket, *brief), Sums()), sums)
        if session and sums.moments:
            _add(tables["session"].setdefault((session,), Sums()), _whole(sums))
    return {
        name: {key: sums.shown(has_histograms="session" not in name) for key, sums in rows.items()}
        for name, rows in tables.items()
    }


def total(tenant: int, table: str) -> Counter[str]:
    """The sums over all rows of a rollup."""
    return total_of(folded(tenant)[table])


def total_of(rows: dict[Row, Row]) -> Counter[str]:
    """The sums over rows that were read."""
    return sum((Counter(row[0]) for row in rows.values()), Counter())


def _calls(tenant: int) -> Iterator[tuple[datetime, str, Row, Sums]]:
    for call in _rows("SELECT * FROM telemetry_call WHERE project_id = %s", tenant):
        reported, computed = call["cost_reported_nanousd"], call["cost_computed_nanousd"]
        cost = computed if reported is None else reported
        is_compared = None not in (reported, computed)
        measures = Counter({name: call[name] for name in BUCKETS})
        measures["calls"] = 1
        measures["reasoning"] = call["reasoning"] or 0
        measures["cost_nanousd"] = cost or 0
        measures["unpriced_calls"] = cost is None
        measures["failed_calls"] = call["error_type"] != ""
        if is_compared:
            measures["compared_calls"] = 1
            measures["compared_reported_nanousd"], measures["compared_computed_nanousd"] = reported, computed
        known = [] if call["duration_ms"] is None else [bin_of(call["duration_ms"])]
        tokens = bin_of(sum(call[name] for name in BUCKETS))
        sums = Sums(measures, Counter(known), Counter([tokens]), [call["started_at"]])
        yield call["started_at"], call["session_id"], tuple(call[name] for name in DIMENSIONS), sums


def _executions(tenant: int) -> Iterator[tuple[datetime, str, Row, Sums]]:
    for run in _rows("SELECT * FROM telemetry_execution WHERE project_id = %s", tenant):
        if not run["execution_id"].startswith("meter:"):
            has_failed = run["status"] in FAILED or run["errors"] != "[]"
            sums = Sums(Counter({"executions": 1, "failed_executions": int(has_failed)}))
            yield run["started_at"], run["session_id"], tuple(run.get(name, "") for name in DIMENSIONS), sums


def _whole(sums: Sums) -> Sums:
    """What is kept of a call by whole sessions."""
    tokens = sum(sums.measures[name] for name in BUCKETS)
    return Sums(Counter(cost_nanousd=sums.measures["cost_nanousd"], tokens=tokens), moments=sums.moments)


def _keys(name: str) -> tuple[str, ...]:
    if name == "session":
        return ("session_id",)
    return ("bucket", *(["session_id"] if "session" in name else []), *(BRIEF if "brief" in name else DIMENSIONS))


def _stored(tenant: int, name: str) -> Iterator[tuple[Row, Row]]:
    for row in _rows(f"SELECT * FROM telemetry_rollup_{name} WHERE project_id = %s", tenant):
        keys = _keys(name)
        first, last = row["first_at"], row["last_at"]
        rest = {*keys, "project_id", "series_id", "first_at", "last_at"}
        measures = {key: value for key, value in row.items() if key not in rest and isinstance(value, int) and value}
        counts = [
            dict(zip(row[f"{what}_bins"], row[f"{what}_counts"], strict=True))
            for what in ("duration", "tokens")
            if "session" not in name
        ]
        yield tuple(row[key] for key in keys), (measures, first, last, *counts)


def _rows(query: str, tenant: int) -> list[dict[str, Any]]:
    with connection().cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [tenant]).fetchall()


def _add(known: Sums, more: Sums) -> None:
    known.measures.update(more.measures)
    known.durations.update(more.durations)
    known.tokens.update(more.tokens)
    known.moments += more.moments


def _quarter(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def _day(moment: datetime, tz: ZoneInfo) -> datetime:
    """The newest local midnight that is not after a moment."""
    around = (moment.astimezone(tz).date() + timedelta(days=n) for n in (1, 0, -1))
    return next(midnight for day in around if (midnight := local_midnight(day, tz)) <= moment)
