"""Whether providers still offer the models of the tiers, and how many calls they counted; asked at the start.

`missing` asks the network, `note` writes the database; what is not known (a provider that does not answer, or has no
list) changes nothing. Servers on our own machines load models when asked for, or take any name: they miss none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import quote

from routing import models
from routing.contracts import Provider, Tier
from routing.providers.books import told
from routing.providers.http import Upstream

_MOST_PAGE = 1_000


async def missing(upstream: Upstream, tiers: Iterable[Tier]) -> dict[int, bool]:
    """Tier id → whether its provider no longer offers its model; without the tiers of which nobody knows."""
    asked = [tier for tier in tiers if not tier.provider.is_local and tier.provider.secret]
    providers = {tier.provider.id: tier.provider for tier in asked}
    lists = await asyncio.gather(*(listed(upstream, provider) for provider in providers.values()))
    offered = dict(zip(providers, lists, strict=True))
    found: dict[int, bool] = {}
    for tier in asked:
        names = offered[tier.provider.id]
        if names is not None:
            found[tier.id] = tier.model not in names and not await _is_known(upstream, tier)
    return found


def note(found: Mapping[int, bool], *, now: datetime) -> None:
    """Write down what `missing` found. When a model was first missed stays, as long as it is."""
    for is_gone in (True, False):
        tiers = models.Tier.objects.filter(pk__in=[tier_id for tier_id, is_so in found.items() if is_so is is_gone])
        changed = tiers.filter(vanished_at__isnull=is_gone)
        changed.update(vanished_at=now if is_gone else None)
        tiers.update(looked_at=now)


async def listed(upstream: Upstream, provider: Provider) -> frozenset[str] | None:
    """The models that a provider says it has; None where it says nothing that can be read."""
    path = f"/v1/models?limit={_MOST_PAGE}" if provider.family == "anthropic" else "/models"
    rows = (await told(upstream, provider, path)).get("data")
    if not isinstance(rows, list) or not rows:
        return None
    return frozenset(row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str))


async def free_calls_used(upstream: Upstream, provider: Provider) -> int | None:
    """How many calls of free models the account made this UTC day, as OpenRouter's /key says; None elsewhere."""
    key = (await told(upstream, provider, "/key")).get("data")
    requests = key.get("free_model_daily_requests") if isinstance(key, dict) else None
    used = requests.get("used") if isinstance(requests, dict) else None
    return used if isinstance(used, int) and not isinstance(used, bool) and used >= 0 else None


async def _is_known(upstream: Upstream, tier: Tier) -> bool:
    """Whether a provider knows a name that is not in its list: Anthropic and OpenAI have other names for a model."""
    path = "/v1/models/" if tier.provider.family == "anthropic" else "/models/"
    found = await told(upstream, tier.provider, path + quote(tier.model, safe=""))
    return bool(found.get("id"))
