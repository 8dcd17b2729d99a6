"""How long senders wait while something is done to the table beside them: writers, a reader that goes on, a watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from telemetry.contracts import Call
from telemetry.ledger.ingest import ingest
from tests.own_database import connect

WRITERS = 4
BATCH = 50
EVERY_S = 0.01
WAITING = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float8
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND application_name = 'writer'
"""


@dataclass(slots=True)
class Stalls:
    """What writers met: the longest wait for a lock, the longest batch, how many were stored, and what went wrong.
    A busy machine makes batches slow; only locks are somebody's doing."""

    longest_lock_s: float = 0.0
    longest_batch_s: float = 0.0
    batches: int = 0
    failures: list[BaseException] = field(default_factory=list)


@contextmanager
def watched(url: str, project: int, *, late: timedelta = timedelta(0)) -> Iterator[Stalls]:
    """Inside, writers store batches as fast as they can, each with a call that is `late`, and their waits are noted."""
    stalls, stop = Stalls(), threading.Event()
    threads = [threading.Thread(target=_write, args=(url, project, late, stop, stalls, n)) for n in range(WRITERS)]
    threads.append(threading.Thread(target=_watch, args=(url, stop, stalls)))
    for thread in threads:
        thread.start()
    try:
        until(lambda: stalls.batches >= WRITERS or stalls.failures)
        yield stalls
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


@contextmanager
def reading(url: str, seconds: float) -> Iterator[threading.Thread]:
    """A transaction that has read all calls and goes on for so long; inside, it has begun."""
    begun = threading.Event()

    def read() -> None:
        with suppress(psycopg.errors.AdminShutdown), connect(url) as connection, connection.transaction():
            connection.execute("SELECT count(*) FROM telemetry_call")
            begun.set()
            connection.execute("SELECT pg_sleep(%s)", [seconds])  # a test may end it sooner

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(30)
    try:
        yield thread
    finally:
        thread.join(seconds + 30)


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(EVERY_S)


def _write(url: str, project: int, late: timedelta, stop: threading.Event, stalls: Stalls, writer: int) -> None:
    try:
        with connect(url) as connection:
            connection.execute("SET application_name = 'writer'")
            number = 0
            while not stop.is_set():
                number += 1
                began = time.monotonic()
                _store(connection, project, f"{writer}.{number}", late)
                stalls.longest_batch_s = max(stalls.longest_batch_s, time.monotonic() - began)
                stalls.batches += 1
    except (psycopg.Error, AssertionError) as error:
        stalls.failures.append(error)


def _store(connection: psycopg.Connection[Any], project: int, name: str, late: timedelta) -> None:
    now = datetime.now(UTC)
    calls = [Call(id=f"load {name}.{n}", started_at=now - n * late, model="house-llama", output=1) for n in range(2)]
    calls += [Call(id=f"load {name}.{n}", started_at=now, model="house-llama", output=1) for n in range(2, BATCH)]
    receipt = ingest(connection, project_id=project, calls=calls, source="load", now=now)
    assert receipt.accepted == BATCH, receipt


def _watch(url: str, stop: threading.Event, stalls: Stalls) -> None:
    with connect(url) as connection:
        while not stop.wait(EVERY_S):
            row = connection.execute(WAITING).fetchone()
            if row is not None:
                stalls.longest_lock_s = max(stalls.longest_lock_s, float(str(row[0])))
