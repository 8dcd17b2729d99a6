"""Everything that is done to partitions, beside a reader of 30 seconds, writers at full speed, and the fold.

Figures are printed (`pytest -m faults -s`): the longest wait of a writer for a lock, which is promised, and its longest
batch, which a busy machine makes longer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.ledger import freezing, partitions, retention
from telemetry.series import expiry, rollups
from tests.expiring import DAYS, NOW, call, day, days_left, folded, new_project, partition_of, send, sums
from tests.own_database import connect
from tests.stalls import Stalls, reading, watched

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
Ledger = Connection[Any]
PROMISED_S = 0.5
READS_S = 30.0
LATE = timedelta(days=20)


def two_months(own: Ledger) -> tuple[int, int]:
    """Two projects with sixty days of calls, the second of which keeps ten."""
    made = new_project(own, "first"), new_project(own, "second")
    for project in made:
        for back in range(60):
            send(own, project, [call(day(back, second), f"{back}.{second}") for second in range(200)])
    folded(own)
    own.execute("UPDATE telemetry_project SET retention_days = 10 WHERE id = %s", [made[1]])
    retention.forget()
    return made


@contextmanager
def folding(url: str) -> Iterator[None]:
    """Inside, what writers bring is summed up all the time."""
    stop = threading.Event()

    def fold() -> None:
        with connect(url) as connection:
            while not stop.wait(0.5):
                rollups.fold_due(connection, now=datetime.now(UTC))

    thread = threading.Thread(target=fold)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def tell(what: str, stalls: Stalls) -> None:
    """The figures."""
    print(  # noqa: T201
        f"\n{what}: longest lock {stalls.longest_lock_s * 1000:.0f} ms, "
        f"longest batch {stalls.longest_batch_s * 1000:.0f} ms, {stalls.batches} batches"
    )


def test_no_writer_waits_and_what_is_kept_is_as_it_was(own: Ledger, own_url: str, settings: Settings) -> None:
    first, second = two_months(own)
    kept_from = retention.gone_before(DAYS, now=NOW)
    before, summed = kept_hash_of(own, first, kept_from), sums(own, first)["1d"][:20]
    settings.RETENTION_DAYS = DAYS
    with watched(own_url, first, late=LATE) as stalls, folding(own_url), reading(own_url, READS_S) as reader:
        partitions.ensure_ahead(own, now=NOW + timedelta(days=30))
        freezing.freeze_settled(own, now=NOW, until=float("inf"))
        done = expiry.expire(own, now=NOW)
        assert not reader.is_alive()
    tell("partitions made, frozen and dropped beside a reader of 30 s", stalls)
    assert stalls.failures == []
    assert stalls.longest_lock_s < PROMISED_S
    assert done.partitions == [partition_of(back) for back in range(59, DAYS, -1)]
    assert done.calls == 20 * 200
    assert days_left(own, first)[0] == DAYS
    assert days_left(own, second) == list(range(10, -1, -1))
    assert kept_hash_of(own, first, kept_from) == before
    folded(own)
    assert sums(own, first)["1d"][:20] == summed


def kept_hash_of(own: Ledger, project: int, since: datetime) -> str:
    """All calls of one project from a moment on that were there before the load."""
    query = "SELECT md5(string_agg(call::text, ',' ORDER BY started_at, id)) FROM telemetry_call AS call"
    where = " WHERE project_id = %s AND started_at >= %s AND source = 'test'"
    row = own.execute(query + where, [project, since]).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE telemetry_call_{}",
        "ALTER TABLE telemetry_call DETACH PARTITION telemetry_call_{}",
        "CREATE TABLE later PARTITION OF telemetry_call FOR VALUES FROM ('2035-01-01') TO ('2035-01-02')",
    ],
    ids=["plain drop", "plain detach", "create as partition"],
)
def test_the_plain_statements_make_writers_wait_for_the_reader(own: Ledger, own_url: str, statement: str) -> None:
    """Negative controls."""
    project, _ = two_months(own)

    def change() -> None:
        with connect(own_url) as other:
            other.execute(statement.format(partition_of(59)))

    with watched(own_url, project) as stalls, reading(own_url, 3):
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(30)
    tell(statement, stalls)
    assert stalls.failures == []
    assert stalls.longest_lock_s > 2 * PROMISED_S
