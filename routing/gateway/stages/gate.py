"""Whether the answer is good enough to be given; if not, who is asked again, once."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from routing.contracts import Fault
from routing.gateway.exchange import Exchange
from routing.gateway.resources import Resources
from routing.ladder.faults import FallOver, Tried, next_move
from routing.ladder.plan import climb_for


async def run(exchange: Exchange, resources: Resources) -> None:
    """Judge the answer. One that does not pass, and of which nothing was sent, is kept while the tier that is worth
    most is asked; an answer that was sent while it came is judged for what can be learned from it."""
    answer = exchange.answer
    if answer is None or answer.verdict is not None:
        return
    verdict = resources.judge(exchange, answer)
    exchange.answer = replace(answer, verdict=verdict)
    if verdict is None or not exchange.is_held:
        return
    tier = answer.trying.step.tier
    climb = climb_for(exchange.plan, tier.id, verdict.p_good, p_helps=verdict.p_helps)
    if climb is None:
        return
    exchange.past.append(Tried(tier.id, answer.trying.began - exchange.began, "gate"))
    move = next_move(
        Fault(kind="gate", message=", ".join(verdict.findings)),
        past=exchange.past,
        elapsed_s=exchange.elapsed_s,
        plan=exchange.plan,
        climb=climb,
    )
    if isinstance(move, FallOver):
        exchange.step = move.step
        await asyncio.sleep(move.after_s)
