"""Partitions come and go beside a reader that goes on and writers at full speed: nobody waits."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from psycopg import Connection
from pytest_django import Settings

from telemetry.ledger import partitions, retention
from telemetry.series import expiry
from tests.expiring import DAYS, NOW, call, day, days_left, folded, kept_hash, new_project, partition_of, send
from tests.own_database import connect
from tests.stalls import reading, until, watched

Ledger = Connection[Any]
PROMISED_S = 0.5
LATE = timedelta(days=20)


def month(own: Ledger) -> int:
    """A project with forty days of calls."""
    project = new_project(own)
    send(own, project, [call(day(back, second), f"{back}.{second}") for back in range(40) for second in range(20)])
    folded(own)
    return project


def test_new_days_are_made_while_somebody_reads_and_nobody_waits(own: Ledger, own_url: str) -> None:
    project = month(own)
    with watched(own_url, project, late=LATE) as stalls, reading(own_url, 2):
        partitions.ensure_ahead(own, now=NOW + timedelta(days=60))
        late = [call(day(back), f"late {back}") for back in range(60, 80)]
        assert send(own, project, late).accepted == len(late)
    assert stalls.failures == []
    assert stalls.longest_lock_s < PROMISED_S


def test_expired_days_go_while_somebody_reads_and_nobody_waits(own: Ledger, own_url: str, settings: Settings) -> None:
    project, kept_from = month(own), retention.gone_before(DAYS, now=NOW)
    before = kept_hash(own, kept_from)
    settings.RETENTION_DAYS = DAYS
    with watched(own_url, project, late=LATE) as stalls:
        with reading(own_url, 2) as reader:
            done = expiry.expire(own, now=NOW)
            assert not reader.is_alive()  # detaching waited for it
        until(lambda: stalls.batches > 20)
    assert done.partitions == [partition_of(back) for back in range(39, DAYS, -1)]
    assert days_left(own, project)[0] <= DAYS
    assert kept_hash(own, kept_from) == before
    assert stalls.failures == []
    assert stalls.longest_lock_s < PROMISED_S


def test_a_plain_drop_makes_writers_wait_for_the_reader(own: Ledger, own_url: str) -> None:
    """The negative control: so the watch would see it."""
    project = month(own)

    def drop() -> None:
        with connect(own_url) as other:
            other.execute(f"DROP TABLE telemetry_call_{partition_of(39)}")

    with watched(own_url, project) as stalls, reading(own_url, 2):
        thread = threading.Thread(target=drop)
        thread.start()
        thread.join(20)
    assert stalls.failures == []
    assert stalls.longest_lock_s > PROMISED_S
