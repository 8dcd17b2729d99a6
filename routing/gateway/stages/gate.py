"""Whether the answer is good enough to be given; if not, who is asked again, once."""

from __future__ import annotations

import asyncio

from django.conf import settings
from msgspec.structs import replace

from routing.contracts import Fault, Step, Verdict
from routing.gateway.attempts import sample
from routing.gateway.exchange import Answer, Exchange
from routing.gateway.resources import Resources
from routing.ladder.faults import FallOver, Tried, next_move
from routing.ladder.plan import climb_for
from routing.ladder.quality import agree


async def run(exchange: Exchange, resources: Resources) -> None:
    """Judge the answer. One that does not pass, and of which nothing was sent, is kept while the tier that is worth
    most is asked; an answer that was sent while it came is judged for what can be learned from it."""
    answer = exchange.answer
    if answer is None or answer.verdict is not None:
        return
    verdict = resources.judge(exchange, answer)
    if verdict is not None and exchange.is_held and settings.SECOND_SAMPLE:
        verdict = await _compared(exchange, resources, answer, verdict)
    exchange.answer = replace(answer, verdict=verdict)
    if verdict is None or not exchange.is_held:
        return
    tier = answer.trying.step.tier
    climb = _climb(exchange, answer, verdict)
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


def _climb(exchange: Exchange, answer: Answer, verdict: Verdict | None) -> Step | None:
    if verdict is None:
        return None
    tier = answer.trying.step.tier
    return climb_for(exchange.plan, tier.id, verdict.p_good, p_helps=verdict.p_helps)


async def _compared(exchange: Exchange, resources: Resources, answer: Answer, verdict: Verdict) -> Verdict:
    """The verdict by a second answer of the same tier too: where the tier is free, such answers can be compared, and
    whether both agree decides if a higher tier is asked."""
    tier, text = answer.trying.step.tier, answer.outcome.text
    if not tier.is_free or answer.outcome.tool_calls or not agree(text, text):
        return verdict
    if_so, if_not = (resources.judge(exchange, answer, agreement=each) for each in (1.0, -1.0))
    if (_climb(exchange, answer, if_so) is None) == (_climb(exchange, answer, if_not) is None):
        return verdict
    second = await sample(exchange, resources, Step(tier, f"{tier.name} again, to compare its answers"))
    if second is None or not second.text or second.tool_calls:
        return verdict
    return (if_so if agree(text, second.text) > 0 else if_not) or verdict
