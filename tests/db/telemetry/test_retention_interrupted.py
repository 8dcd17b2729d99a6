"""Expiry that is killed, out of time, or told a wrong time: the next run goes on where it was, or nothing happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.ledger import dirty, dropping, retention
from telemetry.series import expiry
from tests.expiring import (
    DAYS,
    NOW,
    attached,
    call,
    day,
    days_left,
    folded,
    identities,
    new_project,
    partition_of,
    send,
)
from tests.own_database import connect

Ledger = Connection[Any]
TERMINATE = "SELECT pg_terminate_backend(%s)"


@pytest.fixture
def project(own: Ledger, settings: Settings) -> int:
    """A project with calls of two expired days and a kept one."""
    settings.RETENTION_DAYS = None
    project = new_project(own)
    send(own, project, [call(day(back), f"{back}") for back in (60, 50, 1)])
    folded(own)
    settings.RETENTION_DAYS = DAYS
    retention.forget()
    return project


@contextmanager
def reader(url: str) -> Iterator[Ledger]:
    """A transaction that has read calls and goes on."""
    with connect(url) as connection, connection.transaction():
        connection.execute("SELECT count(*) FROM telemetry_call")
        yield connection


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_while_it_detaches(url: str, own: Ledger) -> None:
    """Begin a run beside a reader, and end its server process while it waits for that."""
    raised: list[BaseException] = []

    def run(conn: Ledger) -> None:
        try:
            expiry.expire(conn, now=NOW)
        except psycopg.OperationalError as error:
            raised.append(error)

    with connect(url) as victim, reader(url):
        thread = threading.Thread(target=run, args=(victim,))
        thread.start()
        until(lambda: dropping.pending_detach(own))
        own.execute(TERMINATE, [victim.info.backend_pid])
        thread.join(20)
    assert raised


def test_a_detaching_that_was_killed_is_finished_by_the_next_run(project: int, own: Ledger, own_url: str) -> None:
    kill_while_it_detaches(own_url, own)
    assert dropping.pending_detach(own) == partition_of(60)
    assert not attached(own, 60)
    assert expiry.plan(own, now=NOW).left == [partition_of(60)]
    assert expiry.expire(own, now=NOW).partitions == [partition_of(60), partition_of(50)]
    assert (days_left(own, project), identities(own, project)) == ([1], 1)


def test_it_is_finished_also_when_everything_is_kept_meanwhile(
    project: int, own: Ledger, own_url: str, settings: Settings
) -> None:
    kill_while_it_detaches(own_url, own)
    settings.RETENTION_DAYS = None
    assert expiry.expire(own, now=NOW).partitions == [partition_of(60)]
    assert (days_left(own, project), identities(own, project)) == ([50, 1], 2)


@pytest.mark.parametrize("is_renamed", [False, True])
def test_a_partition_that_stands_alone_is_purged_and_dropped(project: int, own: Ledger, is_renamed: bool) -> None:
    dropping.detach_partition(own, partition_of(60))
    if is_renamed:
        dropping.rename_detached(own, partition_of(60))
    assert identities(own, project) == 3
    assert expiry.expire(own, now=NOW).partitions == [partition_of(60), partition_of(50)]
    assert (days_left(own, project), identities(own, project)) == ([1], 1)
    assert dropping.detached_partitions(own) == []


def test_one_that_came_back_meanwhile_is_dropped_too(project: int, own: Ledger, settings: Settings) -> None:
    dropping.detach_partition(own, partition_of(60))
    dropping.rename_detached(own, partition_of(60))
    settings.RETENTION_DAYS = None
    later = new_project(own, "later")
    send(own, later, [call(day(60), "its own")])
    folded(own)
    settings.RETENTION_DAYS = DAYS
    assert expiry.expire(own, now=NOW).partitions == [partition_of(60), partition_of(60), partition_of(50)]
    assert days_left(own, later) == []


def test_a_run_that_waits_for_a_reader_gives_up_in_time_and_says_so(
    project: int, own: Ledger, own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "LOCK_TIMEOUT", "100ms")
    with reader(own_url):
        done = expiry.expire(own, now=NOW, patience_s=0.5)
        assert (done.partitions, done.is_done) == ([], False)
        assert dropping.pending_detach(own) == partition_of(60)
    assert len(expiry.expire(own, now=NOW).partitions) == 2


@pytest.mark.parametrize("is_renamed", [False, True])
def test_a_backup_that_reads_what_is_detached_is_waited_for_by_the_next_run(
    project: int, own: Ledger, own_url: str, is_renamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "LOCK_TIMEOUT", "100ms")
    dropping.detach_partition(own, partition_of(60))
    if is_renamed:
        dropping.rename_detached(own, partition_of(60))
    name = "expired" if is_renamed else "call"
    with connect(own_url) as backup, backup.transaction():
        backup.execute(f"LOCK TABLE telemetry_{name}_{partition_of(60)} IN ACCESS SHARE MODE")
        done = expiry.expire(own, now=NOW)
    assert (done.partitions, done.is_done) == ([partition_of(50)], False)
    assert expiry.expire(own, now=NOW).partitions == [partition_of(60)]
    assert identities(own, project) == 1


def test_two_runs_never_work_at_once(project: int, own: Ledger, own_url: str) -> None:
    with connect(own_url) as other:
        other.execute("SELECT pg_advisory_lock(7346002)")
        with pytest.raises(expiry.Busy):
            expiry.expire(own, now=NOW)
        other.execute("SELECT pg_advisory_unlock(7346002)")
    assert len(expiry.expire(own, now=NOW).partitions) == 2


def test_a_clock_that_is_ahead_drops_nothing(project: int, own: Ledger) -> None:
    with pytest.raises(expiry.ClockAhead):
        expiry.expire(own, now=NOW + timedelta(days=30))
    assert days_left(own, project) == [60, 50, 1]
    assert expiry.projects_kept(own)[0].calls_kept_from_at is None


@pytest.mark.parametrize("is_marked", [True, False])
def test_calls_stay_while_their_sums_are_being_made(
    project: int, own: Ledger, own_url: str, is_marked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_PATIENCE_S", 0.2)
    if is_marked:
        dirty.mark(own, project_id=project, moments=[day(50)])
    with connect(own_url) as fold, fold.transaction():
        dirty.lock_folding(fold, project_id=project)
        own.execute("SET lock_timeout = '200ms'")
        assert expiry.expire(own, now=NOW).waiting == ["p"]
    assert days_left(own, project) == [60, 50, 1]
    own.execute("RESET lock_timeout")
    assert expiry.expire(own, now=NOW).waiting == []
    assert days_left(own, project) == [1]


def test_nothing_is_marked_to_be_counted_anew(project: int, own: Ledger) -> None:
    assert len(expiry.expire(own, now=NOW).partitions) == 2
    assert own.execute("SELECT count(*) FROM telemetry_dirty").fetchone() == (0,)
