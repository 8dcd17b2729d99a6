"""The answer that the client got is over: it is written down, and what it teaches is learned."""

from __future__ import annotations

from routing.gateway.attempts import settle_answer
from routing.gateway.exchange import Exchange
from routing.gateway.resources import Resources


async def run(exchange: Exchange, resources: Resources) -> None:
    """Settle the answer, and remember on which tier the task is."""
    answer = exchange.answer
    if answer is None:
        return
    settle_answer(exchange, resources, answer)
    resources.savings.answered(exchange)
    has_climbed = any(tried.kind == "gate" for tried in exchange.past)
    resources.affinity.note(exchange.caller, answer.trying.step.tier, exchange.plan, has_climbed=has_climbed)
    if not has_climbed:
        resources.audit(exchange, answer)
