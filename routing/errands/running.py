"""A worker does errands: some at once, each under its lease, for as long as it may.

Leases are kept together, four times in their length. An errand whose lease is no longer ours was cancelled, or taken
by another since ours hung: it is stopped, and what its attempt cost is in the ledger all the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from django.db import Error
from msgspec import Struct

from routing.errands import shelf
from routing.errands.shelf import LEASE_S, Taken
from routing.gateway.threads import Threads

AT_ONCE = 8
TAKES_S = 200.0  # for which a runner begins errands,
ENDS_S = 460.0  # and after which it puts back what is not done: Celery ends a task soon after
_INTERNAL = "It failed by a defect of ours; the log of the worker says how."
_log = logging.getLogger(__name__)


class Done(Struct, frozen=True):
    """What came of an errand: an answer, or why there is none, and after how long to try again (None: never)."""

    answer: dict[str, Any] | None = None
    error: str = ""
    again_s: float | None = None


Doer = Callable[[Taken], Awaitable[Done]]


async def run(do: Doer, *, takes_s: float = TAKES_S, ends_s: float = ENDS_S) -> int:
    """Do what is due until there is nothing more or the time is over; how many errands were ended. Raises
    django.db.Error where none can be taken."""
    threads, running = Threads("errands", 1), dict[UUID, asyncio.Task[bool]]()
    began, count = time.monotonic(), 0
    try:
        while True:
            elapsed = time.monotonic() - began
            while len(running) < AT_ONCE and elapsed < takes_s:
                taken = await threads.run(shelf.take)
                if taken is None:
                    break
                running[taken.lease] = asyncio.create_task(_do(do, taken, threads))
            if not running:
                return count
            if elapsed > ends_s:
                return count + await _put_back(running, threads)
            await asyncio.wait(running.values(), timeout=LEASE_S / 4, return_when=asyncio.FIRST_COMPLETED)
            count += _swept(running)
            await _keep(running, threads)
    finally:
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        threads.close()


async def _do(do: Doer, taken: Taken, threads: Threads) -> bool:
    """One errand; whether it was ended."""
    try:
        done = await do(taken)
    except Exception:  # noqa: BLE001 (one task must not end the others)
        _log.exception("Task %s failed.", taken.id)
        done = Done(error=_INTERNAL)
    if (after_s := done.again_s) is not None:
        await threads.run(lambda: shelf.put_off(taken.lease, error=done.error, after_s=after_s))
        return False
    return await threads.run(lambda: shelf.finish(taken.lease, answer=done.answer, error=done.error))


def _swept(running: dict[UUID, asyncio.Task[bool]]) -> int:
    """Take away what is over; how many of it were ended. What could not be written down is done again: its lease
    expires."""
    count = 0
    for lease in [lease for lease, task in running.items() if task.done()]:
        task = running.pop(lease)
        if task.cancelled():
            continue
        if (error := task.exception()) is not None:
            _log.warning("what came of a task could not be kept, so it is done again: %s", error)
        else:
            count += task.result()
    return count


async def _keep(running: dict[UUID, asyncio.Task[bool]], threads: Threads) -> None:
    leases = list(running)
    try:
        ours = await threads.run(lambda: shelf.extend(leases))
    except Error as error:
        _log.warning("leases of tasks could not be extended: %s", error)
        return
    for lease in set(leases) - ours:
        running[lease].cancel()


async def _put_back(running: dict[UUID, asyncio.Task[bool]], threads: Threads) -> int:
    """Stop what takes too long for this runner: it waits for the next one, and was not tried."""
    for task in running.values():
        task.cancel()
    await asyncio.gather(*running.values(), return_exceptions=True)
    count = _swept(dict(running))
    for lease in list(running):
        await threads.run(lambda: shelf.put_off(lease, error="", after_s=0))  # noqa: B023 (awaited here)
    running.clear()
    return count
