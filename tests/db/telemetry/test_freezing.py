"""A closed day is frozen once, when it has settled, and again only where it changed."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from psycopg import Connection

from telemetry.ledger import freezing, partitions
from tests.expiring import NOW, call, day, new_project, partition_of, send
from tests.own_database import connect

Ledger = Connection[Any]
TELL = "SELECT pg_stat_force_next_flush()"  # what this connection did, to all that look at the statistics
UNFROZEN = "SELECT age(relfrozenxid) FROM pg_class WHERE relname = %s"


def freeze(conn: Ledger, seconds: float = 60) -> list[str]:
    return freezing.freeze_settled(conn, now=NOW, until=time.monotonic() + seconds)


def told(conn: Ledger, back: int) -> None:
    """Wait until PostgreSQL's statistics say that a day was vacuumed."""
    query = "SELECT last_vacuum IS NOT NULL FROM pg_stat_all_tables WHERE relname = %s"
    deadline = time.monotonic() + 10
    while conn.execute(query, [f"telemetry_call_{partition_of(back)}"]).fetchone() != (True,):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def week(own: Ledger) -> int:
    """A project with calls of the last week."""
    project = new_project(own)
    send(own, project, [call(day(back, second), f"{back}.{second}") for back in range(7) for second in range(50)])
    own.execute(TELL)
    return project


def test_settled_days_are_frozen_oldest_first_and_once(own: Ledger, week: int) -> None:
    partitions.ensure_ahead(own, now=NOW)
    assert freeze(own) == [partition_of(back) for back in (6, 5, 4, 3, 2)]
    told(own, 2)
    assert freeze(own) == []
    frozen = own.execute(UNFROZEN, [f"telemetry_call_{partition_of(6)}"]).fetchone()
    assert frozen is not None
    assert frozen[0] < 100


def test_the_pages_of_a_frozen_day_are_marked_so(own: Ledger, week: int) -> None:
    freeze(own)
    pages = own.execute(
        "SELECT relallvisible = relpages AND relpages > 0 FROM pg_class WHERE relname = %s",
        [f"telemetry_call_{partition_of(6)}"],
    ).fetchone()
    assert pages == (True,)


def test_a_day_that_late_calls_changed_is_frozen_again(own: Ledger, week: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "CHANGED", 20)
    freeze(own)
    told(own, 2)
    send(own, week, [call(day(5, second), f"late {second}") for second in range(30)])
    own.execute(TELL)
    assert freeze(own) == [partition_of(5)]


def test_a_day_that_somebody_works_on_is_left_for_the_next_hour(own: Ledger, own_url: str, week: int) -> None:
    with connect(own_url) as other, other.transaction():
        other.execute(f"LOCK TABLE telemetry_call_{partition_of(6)} IN SHARE UPDATE EXCLUSIVE MODE")
        began = time.monotonic()
        freeze(own)
        assert time.monotonic() - began < 5
    assert freeze(own)[0] == partition_of(6)


def test_without_time_nothing_is_begun_and_vacuum_is_as_fast_as_before(own: Ledger, week: int) -> None:
    assert freeze(own, seconds=0) == []
    assert own.execute("SHOW vacuum_cost_delay").fetchone() == ("0",)


def test_a_new_partition_is_vacuumed_by_the_twentieth(own: Ledger) -> None:
    partitions.ensure(own, [(NOW + timedelta(days=1)).date()], now=NOW)
    name = f"telemetry_call_d{NOW + timedelta(days=1):%Y%m%d}"
    row = own.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [name]).fetchone()
    assert row is not None
    assert "autovacuum_vacuum_insert_scale_factor=0.05" in str(row[0])
