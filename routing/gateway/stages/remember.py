"""The answer is kept for who asks the same again, where it may be."""

from __future__ import annotations

from msgspec.structs import replace

from routing.cache.leases import leases
from routing.cache.lookups import Ask, Claim, keep, skip
from routing.cache.valkey import valkey
from routing.gateway.exchange import Exchange
from routing.gateway.remembering import question_of_exchange, written
from routing.gateway.resources import Resources


async def run(exchange: Exchange, resources: Resources) -> None:
    """Keep it, beside the requests: nobody waits for that."""
    claim = exchange.claim
    if claim is None or not leases.forget(claim):
        return
    said = written(exchange, resources)
    asks = [skip(claim)] if said is None else [keep(claim, said), *await _also(exchange, resources, claim, said)]
    for asked in asks:
        resources.later(valkey().ask_from_loop(asked))


async def _also(exchange: Exchange, resources: Resources, claim: Claim, said: bytes) -> list[Ask]:
    """An answer that the gate asked a higher tier for is kept as that tier's too: there the task goes on."""
    answer, first = exchange.answer, exchange.plan.steps[0].tier
    if answer is None or answer.trying.step.tier.id == first.id:
        return []
    question = await question_of_exchange(exchange, resources, answer.trying.step.tier)
    return [keep(replace(claim, question=question), said)] if question else []
