"""How many tokens a request would be: said by the gateway itself, for most providers cannot be asked.

By what the tier that would answer has said of its own requests (routing.gateway.ratios): a tokenizer would be exact for
models that few ladders have, and hold up every stream for the most of a second while it is read. Who pins a tier that
can be asked is told what that says.
"""

from __future__ import annotations

from routing.gateway.exchange import Exchange
from routing.gateway.resources import Resources


async def run(exchange: Exchange, resources: Resources) -> None:
    """Count, where that is what was asked for; then there is nobody to ask any more."""
    if exchange.protocol != "anthropic.count_tokens" or exchange.step is None:
        return
    tier = exchange.step.tier
    if exchange.plan.is_pinned and tier.provider.family == "anthropic":
        return
    exchange.told = b'{"input_tokens":%d}' % resources.ratios.tokens(len(exchange.body), tier.id)
    exchange.step = None
