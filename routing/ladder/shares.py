"""A tier's share of answers as a target that is held: by a price on its calls that moves slowly. Pure.

The ladder asks the tier with the most of (chance of a good answer) - (price). A tier that answered more than its share
gets dearer, one that answered less gets cheaper, so what is left of a share goes where it buys most. This is dual
ascent on the shares as constraints, one step for some dozens of answers; the lowest tier has the price 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from routing.contracts import Tier

# The price moves by so much when a tier that should have answered once did not, and back when it does.
_STEP = 0.0004
# More answers than this in one step count as so many, in the same proportions: a cut would favour one direction.
_MOST_A_STEP = 50
_LOWEST, _HIGHEST = -0.2, 1.0


class Shares(Struct, frozen=True):
    """The price of each tier by its id. A tier of which none is known has its first one."""

    prices: Mapping[int, float] = {}


def price(shares: Shares, tier: Tier, *, height: float) -> float:
    """What a call of the tier costs, in chances of a good answer. `height` is its place among the tiers, 0 to 1."""
    if tier.share <= 0:
        return _HIGHEST
    return 0.0 if height == 0 else shares.prices.get(tier.id, 0.1 + 0.25 * height)


def stepped(shares: Shares, tiers: Sequence[Tier], answered: Mapping[int, int]) -> Shares:
    """The prices after so many answers of each tier (by id) since the last step. `tiers` are all, from the lowest."""
    n = sum(answered.get(tier.id, 0) for tier in tiers)
    targets = _targets(tiers)
    prices = {}
    for place, tier in enumerate(tiers):
        before = price(shares, tier, height=place / max(1, len(tiers) - 1))
        target = targets.get(tier.id, 0.0)
        if place == 0 or not target or not n:
            prices[tier.id] = before
            continue
        excess = answered.get(tier.id, 0) / target - n
        move = _STEP * excess * min(1.0, _MOST_A_STEP / n)
        prices[tier.id] = max(_LOWEST, min(_HIGHEST, before + move))
    return Shares(prices)


def _targets(tiers: Sequence[Tier]) -> dict[int, float]:
    whole = sum(tier.share for tier in tiers)
    return {tier.id: tier.share / whole for tier in tiers} if whole else {}
