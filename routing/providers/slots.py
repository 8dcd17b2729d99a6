"""How many calls of a tier run at once, over all processes, and who waits for one of them: first come, first served.

A lease lasts 15 s and is renewed while its call runs, so a process that is killed gives back what it had. Who waits
asks again every 50 ms, and at once where a call of the same process has ended. Without Valkey each process keeps to the
limit by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from dataclasses import dataclass

from routing.contracts import Tier
from routing.providers.failed import Failed, failed
from routing.providers.shared import Away, Shared

LEASE_S, RENEW_S = 15.0, 5.0
WAITING_S = 3.0  # who waits and was not heard of for so long is gone
POLL_S = 0.05
_GRANTED, _WAITS, _FULL = 1, 0, -1

# KEYS: leases, queue (by order of arrival), waiters (by when they are gone), order. ARGV: who, calls at once, how many
# may wait, ms of a lease, ms of a waiter.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    redis.call('ZREM', KEYS[2], gone)
    redis.call('ZREM', KEYS[3], gone)
end
local free = tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[1])
local ahead = redis.call('ZRANK', KEYS[2], ARGV[1])
local waits = ahead and true or false
if not waits then ahead = redis.call('ZCARD', KEYS[2]) end
if ahead < free then
    redis.call('ZREM', KEYS[2], ARGV[1])
    redis.call('ZREM', KEYS[3], ARGV[1])
    redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
    redis.call('PEXPIRE', KEYS[1], 3600000)
    return 1
end
if not waits then
    if ahead >= tonumber(ARGV[3]) then return -1 end
    redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[4]), ARGV[1])
end
if not waits or redis.call('ZSCORE', KEYS[3], ARGV[1]) - now < ARGV[5] / 2 then
    redis.call('ZADD', KEYS[3], now + ARGV[5], ARGV[1])
    for _, key in ipairs({KEYS[2], KEYS[3], KEYS[4]}) do redis.call('PEXPIRE', key, 3600000) end
end
return 0
"""
# KEYS: leases, queue, waiters. ARGV: who.
_GIVE = "for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end"
# KEYS: leases. ARGV: ms of a lease, who, who, …
_RENEW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], 3600000)
"""
# KEYS: leases, waiters.
_COUNT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return {redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf'), redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf')}
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to make one call of a tier; `id` is empty where the tier has no limit."""

    tier_id: int
    id: str


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of a tier that run and that wait, over all processes."""

    running: int
    waiting: int


class Slots:
    """This process's part in the slots of all tiers. Belongs to one event loop."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._held: dict[int, set[str]] = {}
        self._waiting: dict[int, list[str]] = {}
        self._freed = asyncio.Event()
        self._renewal: asyncio.Task[None] | None = None

    async def take(self, tier: Tier, *, patience_s: float | None = None) -> Slot:
        """A slot of a tier, waited for where its queue has room, for as long as its first token may take. Raises Failed
        (busy)."""
        if tier.concurrency is None:
            return Slot(tier.id, "")
        slot = Slot(tier.id, uuid.uuid4().hex)
        try:
            await self._turn(tier, slot, tier.limits.first_token_s if patience_s is None else patience_s)
        except BaseException:
            self._no_longer_waiting(slot)
            await self._forget(slot)
            raise
        self._no_longer_waiting(slot)
        self._held.setdefault(tier.id, set()).add(slot.id)
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.get_running_loop().create_task(self._renew())
        return slot

    async def give(self, slot: Slot) -> None:
        """Give a slot back. Twice is once."""
        held = self._held.get(slot.tier_id, set())
        if slot.id not in held:
            return
        held.discard(slot.id)
        await self._forget(slot)
        self._freed.set()

    async def load(self, tier: Tier) -> Load:
        """How busy a tier is; of this process alone where Valkey is away."""
        if tier.concurrency is None:
            return Load(0, 0)
        leases, _, waiters, _ = _keys(tier.id)
        try:
            running, waiting = await self._shared.run(_COUNT, [leases, waiters], [])
        except Away:
            return Load(len(self._held.get(tier.id, ())), len(self._waiting.get(tier.id, ())))
        return Load(running, waiting)

    async def close(self) -> None:
        """Give everything back."""
        if self._renewal is not None:
            self._renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewal
        for tier_id, held in self._held.items():
            for name in list(held):
                await self.give(Slot(tier_id, name))

    async def _turn(self, tier: Tier, slot: Slot, patience_s: float) -> None:
        """Return when it is this call's turn. Raises Failed (busy)."""
        until = time.monotonic() + patience_s
        while not await self._granted(tier, slot):
            if (left := until - time.monotonic()) <= 0:
                raise failed("busy", f"{tier.name} is busy; a call waited for its turn in vain.")
            await self._wait(min(left, POLL_S))

    async def _granted(self, tier: Tier, slot: Slot) -> bool:
        """Whether it is this call's turn. Raises Failed where it may not even wait."""
        args = (slot.id, tier.concurrency or 1, tier.queue, int(LEASE_S * 1000), int(WAITING_S * 1000))
        try:
            found = int(await self._shared.run(_TAKE, _keys(tier.id), args))
        except Away:
            found = self._alone(tier, slot)
        if found == _FULL:
            raise _no_room(tier)
        waiting = self._waiting.setdefault(tier.id, [])
        if found == _WAITS and slot.id not in waiting:
            waiting.append(slot.id)
        return found == _GRANTED

    def _alone(self, tier: Tier, slot: Slot) -> int:
        """The same decision, of this process's own calls."""
        waiting = self._waiting.setdefault(tier.id, [])
        free = (tier.concurrency or 1) - len(self._held.get(tier.id, ()))
        ahead = waiting.index(slot.id) if slot.id in waiting else len(waiting)
        if ahead < free:
            return _GRANTED
        return _FULL if slot.id not in waiting and ahead >= tier.queue else _WAITS

    async def _wait(self, seconds: float) -> None:
        self._freed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._freed.wait()

    async def _forget(self, slot: Slot) -> None:
        with contextlib.suppress(Away):
            await self._shared.run(_GIVE, _keys(slot.tier_id)[:3], [slot.id])

    def _no_longer_waiting(self, slot: Slot) -> None:
        waiting = self._waiting.get(slot.tier_id, [])
        if slot.id in waiting:
            waiting.remove(slot.id)

    async def _renew(self) -> None:
        """While this process holds slots, say so; what Valkey lost, or never knew since it was away, it knows then."""
        while any(self._held.values()):
            await asyncio.sleep(RENEW_S)
            for tier_id, held in self._held.items():
                if held:
                    with contextlib.suppress(Away):
                        await self._shared.run(_RENEW, _keys(tier_id)[:1], [int(LEASE_S * 1000), *held])


def _keys(tier_id: int) -> list[str]:
    """In one slot of a cluster of Valkeys."""
    return [f"{{tloi:slots:{tier_id}}}:{name}" for name in ("leases", "queue", "waiters", "order")]


def _no_room(tier: Tier) -> Failed:
    where = f"and {tier.queue} calls wait for it already" if tier.queue else "and no call may wait for it"
    return failed("busy", f"{tier.name} is busy, {where}.")
