"""Whether the session is over: it comes before what costs nothing, so that a kept answer is no way around a budget.

Each attempt reserves for itself later (routing.gateway.budgets), for only an attempt knows its tier.
"""

from __future__ import annotations

from routing.gateway.exchange import Exchange
from routing.gateway.resources import Resources


async def run(exchange: Exchange, resources: Resources) -> None:
    """Leaves in `exchange.is_pressed` whether a budget is nearly used up. Raises Refusal where one is over."""
    if exchange.step is not None:
        await resources.budgets.look(exchange, exchange.step.tier)
