"""Whether a call of a tier may be made now: its slot, then its account's quota. What is taken is given back.

`admission.take(tier)` costs nothing where a tier has neither limit, and one round trip for each that it has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from routing.contracts import Tier, TierState
from routing.providers.quota import Left, Quotas, Taken
from routing.providers.shared import Shared
from routing.providers.slots import Load, Slot, Slots

FRESH_S = 0.25  # for which what is known of a tier's calls is good enough to plan by; `take` always asks


@dataclass(frozen=True, slots=True)
class Lease:
    """One call that may be made."""

    slot: Slot
    taken: Taken


class Admission:
    """The slots and quotas of all tiers, for one event loop."""

    def __init__(self, url: str) -> None:
        self._shared = Shared(url)
        self._slots = Slots(self._shared)
        self.quotas = Quotas(self._shared)
        self._states: dict[int, tuple[float, TierState]] = {}

    async def take(self, tier: Tier, *, patience_s: float | None = None) -> Lease:
        """The right to make one call; waits in the tier's queue. Raises Failed: busy, quota."""
        slot = await self._slots.take(tier, patience_s=patience_s)
        try:
            return Lease(slot, await self.quotas.take(tier))
        except BaseException:
            await self._slots.give(slot)
            raise

    async def give(self, lease: Lease, *, was_made: bool = True) -> None:
        """The call is over. `was_made` False: it never reached the provider, so its quota comes back too."""
        await self._slots.give(lease.slot)
        if not was_made:
            await self.quotas.give_back(lease.taken)

    async def load(self, tier: Tier) -> Load:
        """How busy a tier is."""
        return await self._slots.load(tier)

    async def left(self, tier: Tier, *, now: datetime) -> Left:
        """What its account has left."""
        return Left(None, None) if tier.quota is None else await self.quotas.left(tier.quota, now=now)

    async def states(self, tiers: Sequence[Tier], *, now: datetime) -> Mapping[int, TierState]:
        """How the tiers that have a limit stand, a quarter of a second old at most: running, waiting, and left."""
        limited = [tier for tier in tiers if tier.concurrency is not None or tier.quota is not None]
        oldest = time.monotonic() - FRESH_S
        stale = [tier for tier in limited if self._states.get(tier.id, (0.0, None))[0] < oldest]
        for state in await asyncio.gather(*(self._state(tier, now) for tier in stale)) if stale else ():
            self._states[state.tier_id] = (time.monotonic(), state)
        return {tier.id: self._states[tier.id][1] for tier in limited}

    async def _state(self, tier: Tier, now: datetime) -> TierState:
        load, left = await self.load(tier), await self.left(tier, now=now)
        is_held = left.held_s > 0
        return TierState(
            tier_id=tier.id,
            running=load.running,
            waiting=load.waiting,
            left_this_minute=0 if is_held else left.this_minute,
            left_today=left.today,
        )

    async def close(self) -> None:
        """Give everything back, and close the connections."""
        await self._slots.close()
        await self._shared.close()
