"""Ask the step's tier, and after a failure whom the ladder says, until there is an answer or nobody is left."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from routing.contracts import Fault, Plan, Step
from routing.gateway.attempts import attempt
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.resources import Resources
from routing.ladder.faults import FallOver, GiveUp, Keep, Retry, next_move
from routing.wire.reading import BadRequest
from routing.wire.sending import CannotCarry

_OURS = 500  # statuses from here on are no fault of the request


async def run(exchange: Exchange, resources: Resources) -> None:
    """Leaves the answer in `exchange.answer`. Raises Refusal, after bytes were sent too."""
    while exchange.step is not None:
        try:
            fault = await attempt(exchange, resources, exchange.step)
        except CannotCarry as error:
            exchange.plan, exchange.step = _without(exchange, exchange.step, error)
            continue
        except BadRequest as error:
            raise Refusal(400, "invalid_request", error.message, param=error.param) from None
        if fault is not None and fault.kind == "cancelled" and resources.is_stopping:
            raise Refusal(503, "stopping", "The gateway is stopping; ask again.", retry_after_s=2)
        if fault is None or await _is_kept(exchange, fault):
            exchange.step = None


async def _is_kept(exchange: Exchange, fault: Fault) -> bool:
    """Wait and choose the next step; whether instead the answer that there is stays. Raises Refusal."""
    move = next_move(
        fault,
        past=exchange.past,
        elapsed_s=exchange.elapsed_s,
        plan=exchange.plan,
        sent_bytes=exchange.sent_bytes - exchange.settled_bytes,
    )
    match move:
        case Keep():
            return True
        case Retry():
            await asyncio.sleep(move.after_s)
        case FallOver():
            exchange.step = move.step
            await asyncio.sleep(move.after_s)
        case GiveUp():
            raise Refusal(move.status, move.kind, _told(exchange, move), retry_after_s=move.retry_after_s)
    if exchange.client.is_gone:
        raise Refusal(499, "cancelled", "The client left.")
    return False


def _told(exchange: Exchange, move: GiveUp) -> str:
    """Why there is no answer. Where that is nobody's mistake who asks, what was wrong with each tier: the first thing
    that failed at those that were asked, and why the others were not."""
    if move.status < _OURS:
        return move.message
    wrong: dict[str, str] = {}
    for each in exchange.attempts:
        if each.fault is not None:
            wrong.setdefault(f"tier {each.position} ({each.tier})", each.fault.message.rstrip("."))
    for step in exchange.plan.skipped:
        wrong.setdefault(f"tier {step.tier.position} ({step.tier.name})", step.reason.rstrip("."))
    if len(wrong) < 2:
        return move.message
    return f"No tier could answer. {'; '.join(f'{tier}: {reason}' for tier, reason in wrong.items())}."


def _without(exchange: Exchange, step: Step, error: CannotCarry) -> tuple[Plan, Step]:
    """The plan without a step that cannot be told this request, and the step to ask now: one that was not tried.
    Raises Refusal where none is left."""
    plan = exchange.plan
    tried = {each.tier_id for each in exchange.past}
    places = [place for place, each in enumerate(plan.steps) if each.tier.id != step.tier.id]
    kept = replace(
        plan,
        steps=tuple(plan.steps[place] for place in places),
        odds=tuple(plan.odds[place] for place in places),
        skipped=(*plan.skipped, Step(step.tier, str(error))),
    )
    left = next((each for each in kept.steps if each.tier.id not in tried), None)
    if left is None:
        raise Refusal(400, "cannot_carry", f"{error} No other tier is left.", param=error.field) from None
    return kept, left
