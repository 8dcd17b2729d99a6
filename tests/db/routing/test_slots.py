"""Calls of a tier at once: over all processes no more than its limit, first come, first served, and no lease lasts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from django.conf import settings

from routing.contracts import Provider, Tier
from routing.providers import shared, slots
from routing.providers.failed import Failed
from routing.providers.shared import Shared
from routing.providers.slots import Load, Slots
from tloi_site.embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
Result = TypeVar("Result")
LOCAL = Provider(id=1, name="local", family="openai", base_url="http://127.0.0.1:8080/v1")


def tier(concurrency: int | None = 1, queue: int = 100) -> Tier:
    """A tier that no other test knows."""
    number = uuid.uuid4().int % 10**12
    fields = {"position": 1, "name": "t", "provider": LOCAL, "model": "m", "context_window": 4096}
    return Tier(id=number, concurrency=concurrency, queue=queue, **fields)  # type: ignore[arg-type]


def among(count: int, work: Callable[[list[Slots]], Awaitable[Result]], url: str = "") -> Result:
    """Do something with so many processes' parts, as far as Valkey can tell."""

    async def inside() -> Result:
        parts = [Slots(Shared(url or settings.BROKER_URL)) for _ in range(count)]
        try:
            return await work(parts)
        finally:
            for part in parts:
                await part.close()
                await part._shared.close()

    return asyncio.run(inside())


class Counter:
    """How many calls ran at once, and in which order they began."""

    def __init__(self) -> None:
        self.now, self.most, self.order = 0, 0, list[int]()

    async def call(self, part: Slots, asked: Tier, number: int, *, takes_s: float = 0.01) -> None:
        slot = await part.take(asked)
        self.now += 1
        self.most = max(self.most, self.now)
        self.order.append(number)
        await asyncio.sleep(takes_s)
        self.now -= 1
        await part.give(slot)


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_than_the_limit_run_at_once_over_three_processes(limit: int) -> None:
    count, asked = Counter(), tier(limit)

    async def work(parts: list[Slots]) -> Load:
        for slot, part in [(await part.take(asked, patience_s=0), part) for part in parts[:limit]]:
            await part.give(slot)  # so many may
        await asyncio.gather(*(count.call(parts[number % 3], asked, number) for number in range(24)))
        return await parts[0].load(asked)

    assert among(3, work) == Load(0, 0)
    assert count.most <= limit
    assert len(count.order) == 24


def test_first_come_first_served_whichever_process_asks() -> None:
    count, asked = Counter(), tier()

    async def work(parts: list[Slots]) -> None:
        first, calls = await parts[0].take(asked), []
        for number in range(6):
            calls.append(asyncio.create_task(count.call(parts[number % 2], asked, number)))
            while (await parts[0].load(asked)).waiting <= number:
                await asyncio.sleep(0.005)
        await parts[0].give(first)
        await asyncio.gather(*calls)

    among(2, work)
    assert count.order == list(range(6))


def test_a_queue_that_is_full_sends_the_next_call_elsewhere() -> None:
    asked = tier(queue=2)

    async def work(parts: list[Slots]) -> tuple[Load, str]:
        first = await parts[0].take(asked)
        waiting = [asyncio.create_task(Counter().call(parts[1], asked, number)) for number in range(2)]
        while (await parts[0].load(asked)).waiting < 2:
            await asyncio.sleep(0.005)
        with pytest.raises(Failed) as caught:
            await parts[0].take(asked)
        load = await parts[1].load(asked)
        await parts[0].give(first)
        await asyncio.gather(*waiting)
        return load, caught.value.fault.kind

    assert among(2, work) == (Load(running=1, waiting=2), "busy")


def test_who_waited_in_vain_or_was_called_off_leaves_the_queue() -> None:
    asked = tier()

    async def work(parts: list[Slots]) -> Load:
        await parts[0].take(asked)
        with pytest.raises(Failed, match="in vain"):
            await parts[1].take(asked, patience_s=0.1)
        called_off = asyncio.create_task(parts[1].take(asked))
        await asyncio.sleep(0.1)
        called_off.cancel()
        await asyncio.gather(called_off, return_exceptions=True)
        return await parts[0].load(asked)

    assert among(2, work) == Load(running=1, waiting=0)


def test_a_call_that_is_called_off_is_not_made_at_whatever_moment_that_comes() -> None:
    """Python 3.11's wait_for, in which redis waits for Valkey, swallows one cancellation in five."""
    asked = tier(1_000)

    async def work(parts: list[Slots]) -> tuple[int, Load]:
        swallowed = 0
        for number in range(150):
            call = asyncio.create_task(parts[0].take(asked))
            for _ in range(number % 9):
                await asyncio.sleep(0)
            if not call.done() and call.cancel():
                (found,) = await asyncio.gather(call, return_exceptions=True)
                swallowed += not isinstance(found, asyncio.CancelledError)
            else:
                await parts[0].give(await call)
        return swallowed, await parts[0].load(asked)

    assert among(1, work) == (0, Load(0, 0))


def test_a_slot_that_is_given_back_twice_is_one_slot() -> None:
    asked = tier()

    async def work(parts: list[Slots]) -> Load:
        slot = await parts[0].take(asked)
        await parts[0].give(slot)
        await parts[1].take(asked)
        await parts[0].give(slot)
        return await parts[0].load(asked)

    assert among(2, work).running == 1


def test_a_tier_without_a_limit_asks_nobody() -> None:
    asked = tier(None)

    async def work(parts: list[Slots]) -> bool:
        for slot in [await parts[0].take(asked) for _ in range(50)]:
            await parts[0].give(slot)
        return parts[0]._shared._client is None

    assert among(1, work)


def test_a_call_that_is_longer_than_a_lease_keeps_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "LEASE_S", 0.9)
    monkeypatch.setattr(slots, "RENEW_S", 0.1)
    asked = tier()

    async def work(parts: list[Slots]) -> str:
        await parts[0].take(asked)
        await asyncio.sleep(1.2)
        with pytest.raises(Failed) as caught:
            await parts[1].take(asked, patience_s=0.05)
        return caught.value.fault.kind

    assert among(2, work) == "busy"


HOLDER = """
import asyncio, sys
from routing.providers import slots
from routing.contracts import Provider, Tier
from routing.providers.shared import Shared
slots.LEASE_S, slots.RENEW_S = 1.2, 0.1
local = Provider(id=1, name="local", family="openai", base_url="http://127.0.0.1:8080/v1")
tier = Tier(id=int(sys.argv[2]), position=1, name="t", provider=local, model="m", context_window=1, concurrency=1)
async def hold():
    await slots.Slots(Shared(sys.argv[1])).take(tier)
    print("held", flush=True)
    await asyncio.sleep(60)
asyncio.run(hold())
"""


def test_a_process_that_is_killed_gives_back_what_it_had_when_its_lease_is_over() -> None:
    asked = tier(queue=1)
    command = [sys.executable, "-c", HOLDER, settings.BROKER_URL, str(asked.id)]
    with subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        async def work(parts: list[Slots]) -> float:
            with pytest.raises(Failed):
                await parts[0].take(asked, patience_s=1.4)  # it is renewed while its process lives
            holder.send_signal(signal.SIGKILL)
            began = time.monotonic()
            await parts[0].take(asked, patience_s=9)
            return time.monotonic() - began

        assert among(1, work) < 8


def test_without_valkey_each_process_keeps_to_the_limit_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    count, asked = Counter(), tier()

    async def work(parts: list[Slots]) -> None:
        await asyncio.gather(*(count.call(parts[number % 3], asked, number, takes_s=0.05) for number in range(9)))

    among(3, work, url=f"redis://127.0.0.1:{free_port()}/0")
    assert count.most == 3  # one each: nobody knows of the others, which is what Valkey is for
    assert len([one for one in caplog.records if "counts calls and quotas for itself" in one.message]) == 3


def test_a_slot_that_was_taken_while_valkey_was_away_is_known_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "RENEW_S", 0.05)
    monkeypatch.setattr(shared, "_RETRY_AFTER_S", 0.1)
    asked = tier()

    async def work(parts: list[Slots]) -> Load:
        parts[0]._shared._url = f"redis://127.0.0.1:{free_port()}/0"
        await parts[0].take(asked)
        await parts[0]._shared.close()
        parts[0]._shared._url = settings.BROKER_URL
        await asyncio.sleep(0.5)
        return await parts[1].load(asked)

    assert among(2, work).running == 1
