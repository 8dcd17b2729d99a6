"""Threads for the database: they keep a connection while they are busy, and no longer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from django.db import connection

from routing.gateway import threads as threads_module
from routing.gateway.threads import KEPT_S, Threads


def backend() -> int:
    """By which process PostgreSQL answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def with_threads(count: int, work: Callable[[Threads], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        threads = Threads("tried", count)
        try:
            return await work(threads)
        finally:
            await asyncio.to_thread(threads.close)

    return asyncio.run(run())


def is_held() -> bool:
    return connection.connection is not None


@pytest.mark.django_db(databases=["default"])
def test_a_busy_thread_keeps_its_connection_and_an_idle_one_gives_it_back() -> None:
    async def work(threads: Threads) -> None:
        first = await threads.run(backend)
        assert await threads.run(is_held)
        assert await threads.run(backend) == first
        await asyncio.sleep(KEPT_S + 0.3)
        assert not await threads.run(is_held)

    with_threads(1, work)


@pytest.mark.django_db(databases=["default"])
def test_a_connection_is_given_back_after_a_second_though_there_is_work() -> None:
    async def work(threads: Threads) -> bool:
        await threads.run(backend)
        until = time.monotonic() + KEPT_S + 0.3
        while time.monotonic() < until:
            if not await threads.run(lambda: is_held() and backend()):
                return True
        return False

    assert with_threads(1, work)


@pytest.mark.django_db(databases=["default"])
def test_a_connection_that_postgresql_ended_is_not_asked_again() -> None:
    def end(pid: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])

    async def work(threads: Threads) -> None:
        ended = await threads.run(backend)
        other = Threads("ends", 1)
        await other.run(lambda: end(ended))
        await asyncio.to_thread(other.close)
        assert await threads.run(backend) != ended

    with_threads(1, work)


@pytest.mark.django_db(databases=["default"])
def test_after_an_error_the_connection_is_given_back() -> None:
    def fail() -> None:
        backend()
        raise ValueError("it failed")

    async def work(threads: Threads) -> None:
        with pytest.raises(ValueError, match="it failed"):
            await threads.run(fail)
        assert not await threads.run(is_held)

    with_threads(1, work)


def test_pieces_of_work_are_done_beside_each_other() -> None:
    together = threading.Barrier(3)

    async def work(threads: Threads) -> None:
        await asyncio.gather(*(threads.run(lambda: together.wait(5)) for _ in range(3)))

    with_threads(3, work)


def test_at_the_end_what_is_done_is_finished_and_what_waits_is_called_off() -> None:
    done: list[str] = []
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        time.sleep(0.2)
        done.append("slow")

    async def run() -> None:
        threads = Threads("ends", 1)
        first = asyncio.ensure_future(threads.run(slow))
        await asyncio.to_thread(begun.wait)
        second = asyncio.ensure_future(threads.run(lambda: done.append("never")))
        await asyncio.sleep(0)
        await asyncio.to_thread(threads.close)
        assert done == ["slow"]
        await first
        with pytest.raises(asyncio.CancelledError):
            await second
        with pytest.raises(RuntimeError):
            await threads.run(backend)

    asyncio.run(run())


def test_who_no_longer_waits_is_not_told() -> None:
    async def work(threads: Threads) -> None:
        waits = asyncio.ensure_future(threads.run(lambda: time.sleep(0.1)))
        await asyncio.sleep(0.02)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        assert await threads.run(lambda: 7) == 7

    with_threads(1, work)


@pytest.mark.parametrize(("stuck_s", "is_relieved"), [(0.1, True), (30.0, False)])
def test_work_that_hangs_keeps_nobody_else_waiting_for_ever(
    stuck_s: float, is_relieved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads_module, "STUCK_S", stuck_s)
    thaw = threading.Event()

    async def work(threads: Threads) -> bool:
        hanging = [asyncio.ensure_future(threads.run(thaw.wait)) for _ in range(2)]
        other = asyncio.ensure_future(threads.run(lambda: 1))
        done, _ = await asyncio.wait([other], timeout=0.7)
        thaw.set()
        assert await asyncio.gather(*hanging, other) == [True, True, 1]
        return bool(done)

    assert with_threads(2, work) == is_relieved
