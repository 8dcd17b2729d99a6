"""The prices that hold the shares, of all processes together: a row a tier, stepped once a minute by whoever comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from routing.contracts import Tier
from routing.ladder.shares import Shares, stepped
from routing.models import TierPrice

_EVERY = timedelta(seconds=30)
_LEAST_ANSWERS = 20  # below them a step would be all noise


def step(tiers: Sequence[Tier], *, now: datetime) -> Shares:
    """The prices now, after a step where one is due: half a minute and twenty answers after the last. `tiers` by
    position. Raises django.db.Error."""
    with transaction.atomic():
        rows = {row.tier_id: row for row in TierPrice.objects.select_for_update().order_by("tier_id")}
        before = Shares({tier_id: row.price for tier_id, row in rows.items() if row.price is not None})
        answered = {tier.id: rows[tier.id].answered for tier in tiers if tier.id in rows}
        last = max((row.stepped_at for row in rows.values() if row.stepped_at), default=None)
        if sum(answered.values()) < _LEAST_ANSWERS or (last is not None and now - last < _EVERY):
            return before
        after = stepped(before, tiers, answered)
        for tier_id in sorted(after.prices):
            TierPrice.objects.update_or_create(
                tier_id=tier_id, defaults={"price": after.prices[tier_id], "answered": 0, "stepped_at": now}
            )
    return after
