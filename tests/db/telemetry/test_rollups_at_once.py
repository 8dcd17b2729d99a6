"""Calls that are written while others are folded are in the sums: at once, or with the next fold. With controls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import Connection

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.ledger import dirty
from telemetry.ledger.ingest import ingest
from telemetry.series import fold_state, rollup_tables
from telemetry.series.rollups import Freshness, catch_up, lock, rebuild
from tests.conftest import database_url
from tests.ledger_reading import NOW, at_once, new_tenant, send
from tests.rollup_reading import counted, fold, folded, total

pytestmark = pytest.mark.usefixtures("database")
WRITERS = 8
BATCHES = 12
AT = NOW - timedelta(minutes=20)


def call(name: str, at: datetime = AT) -> Call:
    """A call of one token."""
    return Call(id=name, started_at=at, model="m", output=1, session_id="s")


def elsewhere(work: Callable[[], object]) -> None:
    """Do something on another connection, and wait until it is done."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def calls_that_are_lost(tenant: int) -> int:
    """How many calls the sums lack when all that is marked is folded."""
    fold(tenant)
    (calls,) = {total(tenant, table)["calls"] for table in folded(tenant) if table != "session"}
    with connection().cursor() as cursor:
        stored = cursor.execute("SELECT count(*) FROM telemetry_call WHERE project_id = %s", [tenant]).fetchone()
    assert stored is not None
    return int(stored[0] - calls)


def write_while_folded(tenant: int) -> None:
    """A call is written, its transaction goes on, and meanwhile others of its minute are folded."""
    send(tenant, [call("first")])
    with connection().transaction():
        ingest(connection(), project_id=tenant, calls=[call("second")], source="test", now=NOW)
        elsewhere(lambda: fold(tenant))


def fold_while_written(tenant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of a minute have been read by a fold, and before it ends another is written."""
    real, written = rollup_tables.replace_minutes, list[bool]()

    def read_and_wait(conn: Connection[Any], *, project_id: int, spans: Sequence[Any]) -> None:
        real(conn, project_id=project_id, spans=spans)
        if not written:
            written.append(True)
            elsewhere(lambda: send(tenant, [call("second")]))

    monkeypatch.setattr(rollup_tables, "replace_minutes", read_and_wait)
    send(tenant, [call("first")])
    fold(tenant)
    assert written


def test_a_call_whose_transaction_outlasts_a_fold_is_summed_by_the_next() -> None:
    tenant = new_tenant()
    write_while_folded(tenant)
    assert calls_that_are_lost(tenant) == 0


def test_control_one_mark_a_minute_for_all_writers_loses_that_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that finds a mark leaves it at that, and a fold takes that mark before the writer has committed."""

    def share(conn: Connection[Any], *, project_id: int, minutes: Sequence[int]) -> None:
        if not fold_state.newest_mark(conn, project_id=project_id):  # as a unique key with DO NOTHING would have it
            real(conn, project_id=project_id, minutes=minutes)

    real = dirty.mark_minutes
    monkeypatch.setattr(dirty, "mark_minutes", share)
    tenant = new_tenant()
    write_while_folded(tenant)
    assert calls_that_are_lost(tenant) == 1


def test_a_call_that_is_written_while_a_fold_goes_on_is_summed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()
    fold_while_written(tenant, monkeypatch)
    assert calls_that_are_lost(tenant) == 0


def test_control_marks_that_are_taken_after_the_calls_are_read_lose_that_call(monkeypatch: pytest.MonkeyPatch) -> None:
    real_take, real_write = fold_state.take_dirty, fold_state.write_state

    def only_look(conn: Connection[Any], *, project_id: int, **_: Any) -> set[datetime]:
        with conn.cursor() as cursor:
            marks = cursor.execute("SELECT minutes FROM telemetry_dirty WHERE project_id = %s", [project_id])
            return {minute for (minutes,) in marks for minute in minutes}

    def take_and_write(conn: Connection[Any], *, project_id: int, **state: Any) -> None:
        real_take(conn, project_id=project_id, until=2**62, most=10_000)
        real_write(conn, project_id=project_id, **state)

    monkeypatch.setattr(fold_state, "take_dirty", only_look)
    monkeypatch.setattr(fold_state, "write_state", take_and_write)
    tenant = new_tenant()
    fold_while_written(tenant, monkeypatch)
    assert calls_that_are_lost(tenant) == 1


def write(tenant: int, writer: int) -> None:
    """Batches that overlap those of other writers, in time and in some of their calls."""
    with psycopg.connect(database_url(), autocommit=True) as conn:
        for batch in range(BATCHES):
            moments = [AT - timedelta(minutes=(batch * 7 + n * 11) % 50, days=3 * (n % 3 == 0)) for n in range(25)]
            calls = [call(f"{writer if n % 5 else 0}-{batch}-{n}", at) for n, at in enumerate(moments)]
            ingest(conn, project_id=tenant, calls=calls, source=f"test-{writer}", now=NOW)


def repeat(work: Callable[[], object], until: threading.Event) -> None:
    """Do something again and again."""
    while not until.wait(0.01):
        work()


def test_eight_writers_three_folders_and_a_rebuild_at_once_lose_nothing() -> None:
    tenant, done = new_tenant(), threading.Event()

    def write_all() -> None:
        writers = [threading.Thread(target=write, args=(tenant, writer)) for writer in range(WRITERS)]
        for one in writers:
            one.start()
        for one in writers:
            one.join(60)
        done.set()

    folding = partial(repeat, lambda: catch_up(connection(), project_id=tenant, now=NOW, patience=5), done)
    rebuilding = partial(repeat, lambda: list(rebuild(connection(), project_id=tenant, now=NOW)), done)
    at_once(write_all, folding, folding, folding, rebuilding)
    assert calls_that_are_lost(tenant) == 0
    assert total(tenant, "1d")["calls"] == BATCHES * (20 * WRITERS + 5)
    assert folded(tenant) == counted(tenant)


def test_who_has_patience_waits_for_a_fold_and_who_has_none_does_not() -> None:
    tenant, found = new_tenant(), list[Freshness]()
    send(tenant, [call("one")])
    with connection().transaction():
        lock(connection(), project_id=tenant)
        elsewhere(lambda: found.append(catch_up(connection(), project_id=tenant, now=NOW)))
        elsewhere(lambda: found.append(catch_up(connection(), project_id=tenant, now=NOW, patience=0.2)))
    found.append(catch_up(connection(), project_id=tenant, now=NOW, patience=0.2))
    assert [one.is_clean for one in found] == [False, False, True]
