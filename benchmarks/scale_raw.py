"""The questions of Overview and Models asked of calls themselves: what pages would cost without rollups."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

COST = "coalesce(cost_reported_nanousd, cost_computed_nanousd)"
BOTH = "cost_reported_nanousd IS NOT NULL AND cost_computed_nanousd IS NOT NULL"
SUMS = f"""
count(*), sum(input_uncached), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h), sum(cache_write_unknown),
sum(output), sum(reasoning), sum({COST}),
count(*) FILTER (WHERE {COST} IS NULL)
"""
WHERE = "FROM telemetry_call WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s"
BEFORE = "FROM telemetry_call WHERE project_id = %(project)s AND started_at >= %(before)s AND started_at < %(start)s"
SERIES = f"SELECT width_bucket(started_at, %(edges)s::timestamptz[]), model, {SUMS} {WHERE} GROUP BY 1, 2"
QUESTIONS = {
    "/": (
        SERIES,
        f"SELECT model, {SUMS} {BEFORE} GROUP BY 1",
        f"SELECT agent, {SUMS} {WHERE} GROUP BY 1 ORDER BY 10 DESC LIMIT 10",
        f"SELECT task_type, {SUMS} {WHERE} GROUP BY 1 ORDER BY 10 DESC LIMIT 10",
        f"SELECT session_id, {SUMS} {WHERE} GROUP BY 1 ORDER BY 10 DESC LIMIT 10",
    ),
    "/models/": (
        SERIES,
        f"SELECT model, {SUMS} {BEFORE} GROUP BY 1",
        f"SELECT provider, model, count(*) {WHERE} AND {COST} IS NULL GROUP BY 1, 2",
        f"SELECT model, count(*), sum(cost_reported_nanousd), sum(cost_computed_nanousd) {WHERE} AND {BOTH} GROUP BY 1",
    ),
}


def ask(conn: Connection[Any], page: str, *, project_id: int, days: int, now: datetime) -> None:
    """Read what a page of so many days until `now` reads, from calls."""
    start = now - timedelta(days=days)
    buckets = 24 if days == 1 else days
    arguments = {
        "project": project_id,
        "start": start,
        "end": now,
        "before": start - (now - start),
        "edges": [start + (now - start) * number / buckets for number in range(buckets)],
    }
    for question in QUESTIONS[page]:
        conn.execute(question.encode(), arguments).fetchall()
