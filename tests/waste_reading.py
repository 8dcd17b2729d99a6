"""What tests of waste share: the sums as they are kept, as making them anew gives them, and as anomalies say."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from psycopg import Connection

from telemetry.models import Anomaly
from telemetry.series.buckets import QUARTER, floor

LABELS = ("agent", "model", "task_type")
FOUND = ("detector", "severity", "state")
TABLES = {"15m": (*LABELS, *FOUND), "brief_15m": FOUND, "1d": (*LABELS, *FOUND), "brief_1d": FOUND}
Rows = dict[str, dict[tuple[Any, ...], tuple[int, int, int]]]


def kept(conn: Connection[Any], project_id: int) -> Rows:
    """The rows of each table, as they are stored."""
    return {name: _stored(conn, project_id, name) for name in TABLES}


def counted(project_id: int) -> Rows:
    """The same of every anomaly, one at a time."""
    quarters: dict[tuple[Any, ...], Counter[str]] = {}
    runs: dict[str, tuple[tuple[Any, ...], int]] = {}
    for one in Anomaly.objects.filter(project_id=project_id):
        if one.state != "new" and one.evidence.get("holds") is False:
            continue
        at, labels = floor(one.started_at, QUARTER), tuple(getattr(one, name) for name in LABELS)
        once = min(one.tokens_wasted, one.tokens)
        _add(quarters, (at, *labels, one.detector, one.severity, one.state), one.tokens_wasted, once)
        if one.state != "not_waste":
            most = max(once, runs[one.execution_id][1]) if one.execution_id in runs else once
            runs[one.execution_id] = ((at, *labels, "", "", ""), most)
    for key, once in runs.values():
        _add(quarters, key, once, once)
    found: dict[str, dict[tuple[Any, ...], Counter[str]]] = {name: {} for name in TABLES}
    for (at, *rest), sums in quarters.items():
        for name, dimensions in TABLES.items():
            bucket = floor(at, timedelta(days=1)) if name.endswith("1d") else at
            known = found[name].setdefault((bucket, *rest[-len(dimensions) :]), Counter())
            known.update(sums)
    return {name: {key: _plain(sums) for key, sums in rows.items()} for name, rows in found.items()}


def _add(rows: dict[tuple[Any, ...], Counter[str]], key: tuple[Any, ...], wasted: int, once: int) -> None:
    rows.setdefault(key, Counter()).update({"anomalies": 1, "tokens_wasted": wasted, "tokens_once": once})


def _plain(sums: Counter[str]) -> tuple[int, int, int]:
    return sums["anomalies"], sums["tokens_wasted"], sums["tokens_once"]


def _stored(conn: Connection[Any], project_id: int, name: str) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    columns = ("bucket", *TABLES[name], "anomalies", "tokens_wasted", "tokens_once")
    query = f"SELECT {', '.join(columns)} FROM telemetry_rollup_waste_{name} WHERE project_id = %s"
    rows: list[tuple[Any, ...]] = conn.execute(query.encode(), [project_id]).fetchall()
    found = {row[:-3]: (int(row[-3]), int(row[-2]), int(row[-1])) for row in rows}
    assert len(found) == len(rows)
    return found
