"""What calls used whose gateway is no more: their providers are asked, where those tell afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from routing.contracts import Tier
from routing.gateway.accounting import cost_nanousd
from routing.gateway.journal import Entry
from routing.providers import books
from routing.providers.http import Upstream

AT_ONCE = 8


async def amended(entries: Sequence[Entry], upstream: Upstream, tiers: Mapping[int, Tier]) -> list[Entry]:
    """The attempts with what their provider says, instead of what was heard of them. Where it says nothing, as they
    were."""
    places = asyncio.Semaphore(AT_ONCE)

    async def asked(entry: Entry) -> Entry:
        attempt, tier = entry.attempt, tiers.get(entry.attempt.tier_id)
        is_known = attempt.usage.source == "provider" or not books.is_booked(attempt.provider_call_id)
        if is_known or tier is None:
            return entry
        async with places:
            usage = await books.used(upstream, tier.provider, attempt.provider_call_id)
        if usage is None:
            return entry
        return Entry(replace(attempt, usage=usage, cost_nanousd=cost_nanousd(tier, usage)), entry.caller)

    return list(await asyncio.gather(*(asked(entry) for entry in entries)))
