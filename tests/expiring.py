"""What tests of expiry share: projects and calls in a database of their own, and what is left of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from telemetry.contracts import Call, Execution, Receipt
from telemetry.ledger import partitions, retention
from telemetry.ledger.ingest import ingest
from telemetry.series import rollups

NOW = datetime.now(UTC)
NOON = NOW.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)  # yesterday's: never in the future
DAYS = 30


def day(back: int, second: int = 0) -> datetime:
    """Noon, so many days before yesterday."""
    return NOON - timedelta(days=back, seconds=-second)


def new_project(conn: Connection[Any], slug: str = "p", *, days: int | None = None) -> int:
    """A project that keeps so many days of its own."""
    row = conn.execute(
        "INSERT INTO telemetry_project (slug, name, time_zone, keep_content, is_demo, created_at, retention_days,"
        " token_measure, observed_at_hour) VALUES (%s, %s, 'UTC', false, false, now(), %s, 'weighted', 1) RETURNING id",
        [slug, slug, days],
    ).fetchone()
    assert row is not None
    return int(row[0])


def call(at: datetime, name: str = "", **fields: Any) -> Call:
    """A call of that time."""
    return Call(id=name or f"at {at}", started_at=at, model="house-llama", input_uncached=10, output=5, **fields)


def send(
    conn: Connection[Any],
    project: int,
    calls: Sequence[Call] = (),
    *,
    executions: Sequence[Execution] = (),
    now: datetime = NOW,
    source: str = "test",
) -> Receipt:
    """Store a batch; every item of it is accounted for."""
    retention.forget()
    receipt = ingest(conn, project_id=project, calls=calls, executions=executions, source=source, now=now)
    told = receipt.accepted + receipt.duplicates + receipt.quarantined + len(receipt.rejected)
    assert told == len(calls) + len(executions)
    return receipt


def folded(conn: Connection[Any]) -> None:
    """Everything is in the rollups."""
    while rollups_wait(conn):
        rollups.fold_due(conn, now=NOW + timedelta(hours=1))  # later than any fold, so that all are due


def rollups_wait(conn: Connection[Any]) -> bool:
    """Whether something is marked."""
    return conn.execute("SELECT true FROM telemetry_dirty LIMIT 1").fetchone() is not None


def sums(conn: Connection[Any], project: int) -> dict[str, list[tuple[Any, ...]]]:
    """All rollups that stay for ever: by table, what each bucket adds up to."""
    query = (
        "SELECT bucket, sum(calls), sum(input_uncached), sum(output), sum(executions), min(first_at), max(last_at)"
        " FROM telemetry_rollup_{} WHERE project_id = %s GROUP BY bucket ORDER BY bucket"
    )
    return {
        table: conn.execute(query.format(table), [project]).fetchall()
        for table in ("15m", "1d", "session_15m", "session_1d")
    }


def days_left(conn: Connection[Any], project: int) -> list[int]:
    """How many days before yesterday the calls are that a project still has, oldest first."""
    query = "SELECT DISTINCT started_at::date FROM telemetry_call WHERE project_id = %s ORDER BY 1"
    return [(NOON.date() - moment).days for (moment,) in conn.execute(query, [project]).fetchall()]


def identities(conn: Connection[Any], project: int) -> int:
    """How many identities and other names a project has."""
    return count(conn, "telemetry_identity", project)


def count(conn: Connection[Any], table: str, project: int) -> int:
    """How many rows of a table are a project's."""
    row = conn.execute(f"SELECT count(*) FROM {table} WHERE project_id = %s", [project]).fetchone()
    return int(row[0]) if row else 0


def kept_hash(conn: Connection[Any], since: datetime, source: str = "test") -> str:
    """All calls of a source from a moment on, as one number."""
    query = (
        "SELECT call::text FROM telemetry_call AS call WHERE started_at >= %s AND source = %s"
        " ORDER BY project_id, started_at, id"
    )
    digest = hashlib.sha256()
    for (row,) in conn.execute(query, [since, source]):
        digest.update(row.encode())
    return digest.hexdigest()


def partition_of(back: int) -> str:
    """The short name of the partition of a recent day."""
    return f"d{day(back):%Y%m%d}"


def attached(conn: Connection[Any], back: int) -> bool:
    """Whether a day has its partition."""
    return partition_of(back) in partitions.partition_names(conn)
