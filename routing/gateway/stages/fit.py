"""Tiers whose window the prompt does not fit, now that it is as short as it will be, are not asked."""

from __future__ import annotations

from msgspec.structs import replace

from routing.contracts import Step
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.resources import Resources
from routing.ladder.plan import too_long


async def run(exchange: Exchange, resources: Resources) -> None:
    """Take them out of the plan, where it was made for less. What a caller names is not doubted. Raises Refusal where
    none is left."""
    plan = exchange.plan
    if exchange.step is None or not exchange.is_too_long or plan.is_pinned:
        return
    features = replace(exchange.request.features, prompt_tokens=exchange.prompt_tokens)
    reasons = [too_long(step.tier, features) for step in plan.steps]
    left = [place for place, reason in enumerate(reasons) if not reason]
    skipped = [Step(step.tier, reason) for step, reason in zip(plan.steps, reasons, strict=True) if reason]
    exchange.plan = replace(
        plan,
        steps=tuple(plan.steps[place] for place in left),
        odds=tuple(plan.odds[place] for place in left),
        skipped=(*plan.skipped, *skipped),
    )
    if not left:
        told = "; ".join(
            f"tier {step.tier.position} ({step.tier.name}): {step.reason}" for step in exchange.plan.skipped
        )
        raise Refusal(503, "no_tier", f"No tier can answer this request now. {told}.", retry_after_s=10)
    exchange.step = exchange.plan.steps[0]
