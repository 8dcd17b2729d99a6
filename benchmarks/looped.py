"""What a question costs that the gateway's event loop asks over its own connection, beside one that a thread asks.

Bars: `looped-postgres` and `looped-valkey`, processor time a question of this process as a ratio to the thread's, ≤ 0.4
each. Anchor: whoever asks by a thread pays for waking it, for two changes of who holds Python's lock, and for psycopg's
or redis-py's own way; that was half of what budgets and kept answers cost a call. PostgreSQL's and Valkey's own time is
in neither. One question at a time, as most come; the detail has psycopg's asynchronous connection too. It takes half a
minute.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import uvloop
from django.conf import settings

from benchmarks import harness

ROUNDS, QUESTIONS = 5, 600
_ROW = "SELECT %(number)s::int8, %(ids)s::uuid[], %(names)s::text[], %(yes)s::bool, %(now)s::timestamptz"
_SCRIPT = "return {KEYS[1], ARGV[1], 7}"
Ask = Callable[[], Awaitable[object]]


def main() -> None:
    """A JSON line each."""
    with harness.instance() as place, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_postgres(place))
        runner.run(_valkey())


async def _postgres(place: harness.Instance) -> None:
    from routing.gateway.threads import Threads
    from telemetry.database import connection
    from telemetry.looped import LoopConnection, Question
    from telemetry.statements import prepared

    given = {"number": 7, "ids": [uuid4()], "names": ["a", "b"], "yes": True, "now": datetime.now(UTC)}
    question, threads, own = Question(_ROW, given), Threads("asked", 2), LoopConnection()

    def in_thread() -> list[Any]:
        return prepared(connection(), psycopg.rows.tuple_row).execute(_ROW, given).fetchall()

    async with await psycopg.AsyncConnection.connect(place.dsn, autocommit=True) as theirs:

        async def of_psycopg() -> object:
            return await (await theirs.execute(_ROW, given, prepare=True)).fetchall()

        while not own.is_ready():
            await asyncio.sleep(0.01)
        asks: list[Ask] = [lambda: own.ask(question), lambda: threads.run(in_thread), of_psycopg]
        looped, thread, other = await _in_turns(asks)
    await own.close()
    await asyncio.to_thread(threads.close)
    _report("looped-postgres", looped, thread, psycopg_async_us=round(statistics.median(other)))


async def _valkey() -> None:
    from routing.cache.lookups import Ask as Script
    from routing.cache.looped import LoopClient
    from routing.cache.valkey import Valkey

    asked, own, by_thread = Script(_SCRIPT, ("k",), (1,)), LoopClient(settings.CACHE_URL), Valkey(settings.CACHE_URL)
    while not own.is_ready():
        await asyncio.sleep(0.01)
    by_thread._own(asyncio.get_running_loop()).is_ready = lambda: False  # type: ignore[method-assign]
    looped, thread = await _in_turns([lambda: own.ask(asked), lambda: by_thread.ask_from_loop(asked)])
    own.close()
    _report("looped-valkey", looped, thread)


async def _in_turns(asks: list[Ask]) -> list[list[float]]:
    """Microseconds of processor time a question, of each round."""
    found: list[list[float]] = [[] for _ in asks]
    for turn in range(-1, ROUNDS):  # the first is for what is made once
        for ask, took in zip(asks, found, strict=True):
            began = time.process_time()
            for _ in range(QUESTIONS):
                await ask()
            if turn >= 0:
                took.append((time.process_time() - began) * 1e6 / QUESTIONS)
    return found


def _report(name: str, looped: list[float], thread: list[float], **detail: float) -> None:
    us: dict[str, float] = {
        "looped_us": round(statistics.median(looped)),
        "thread_us": round(statistics.median(thread)),
    }
    harness.report(name, harness.median_ratio(looped, thread), at_most=0.4, **us, **detail)


if __name__ == "__main__":
    main()
