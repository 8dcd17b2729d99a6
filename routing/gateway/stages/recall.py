"""Whether the same was answered before: then that is the answer, and nobody is asked.

It comes after all that may refuse a request, budgets that are over among them. Who asks while another asks the same
waits for that answer.
"""

from __future__ import annotations

from routing.cache.leases import leases
from routing.cache.lookups import Claim, Found
from routing.cache.waiting import found
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.remembering import question_of_exchange, read
from routing.gateway.repeats import BadWish
from routing.gateway.resources import Resources

PATIENCE_S = 60.0  # for the answer that another waits for


async def run(exchange: Exchange, resources: Resources) -> None:
    """Leaves a kept answer in `exchange.remembered`, or the right to keep one in `exchange.claim`. Raises Refusal."""
    if exchange.step is None:
        return
    try:
        question = await question_of_exchange(exchange, resources, exchange.step.tier)
    except BadWish as wrong:
        raise Refusal(400, "invalid_request", str(wrong), param="x-tloi-cache") from None
    if question is None:
        return
    got = await found(question, patience_s=PATIENCE_S, is_wanted=lambda: not exchange.client.is_gone)
    if isinstance(got, Claim):
        leases.hold(got)
        exchange.claim = got
    if exchange.client.is_gone:
        raise Refusal(499, "cancelled", "The client left.")
    exchange.remembered = read(got.value, got.age_s) if isinstance(got, Found) else None
    resources.recalls.asked(exchange)
    if exchange.remembered is not None:
        resources.recalls.found(exchange)
        exchange.step = None
