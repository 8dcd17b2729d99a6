"""Which tiers to ask, in which order, and why: the ladder's plan of this request."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import Error as DatabaseError
from msgspec.structs import replace

from routing.contracts import Features, Plan, Tier
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.resources import Resources
from routing.gateway.shortening import may_be_shortened
from routing.ladder.plan import most_tokens, plan, too_long
from routing.roster import Roster

AUTO = "auto"
_PREFIX = "tier:"
_BYTES_A_TOKEN = 4
_CHARS_A_TOKEN = 3


async def run(exchange: Exchange, resources: Resources) -> None:
    """Make the plan. A prompt that may still be made shorter leaves no tier out for its length: that is seen to when it
    was (routing.gateway.stages.fit). Raises Refusal where nobody can answer."""
    try:
        roster = await resources.rosters.current()
    except DatabaseError:
        raise Refusal(503, "ladder_away", "The ladder cannot be read now; try again.", retry_after_s=5) from None
    now = datetime.now(UTC)
    features = _features(exchange)
    exchange.prompt_tokens = features.prompt_tokens
    if may_be_shortened(exchange, roster) and any(too_long(tier, features) for tier in roster.tiers):
        exchange.is_too_long = True
        shortest = min(most_tokens(tier, features) for tier in roster.tiers)
        features = replace(features, prompt_tokens=max(0, shortest))
    pinned = _pinned(roster, features.model, exchange.caller.key_id)
    states = resources.health.states(roster.tiers, now=now, known=await resources.states(roster.tiers))
    exchange.plan = plan(
        features,
        exchange.caller,
        roster.tiers,
        states,
        resources.known(exchange.caller.project_id, roster.tiers).table,
        resources.learned.shares,
        affinity=resources.affinity.of(exchange.caller),
        pinned=pinned,
    )
    if not exchange.plan.steps:
        raise _nobody(exchange.plan)
    exchange.step = exchange.plan.steps[0]


def _features(exchange: Exchange) -> Features:
    """What the request is like, with its tokens estimated: a quarter of its bytes, tools and all; pictures, which are
    long as text and short as tokens, are left out."""
    features = exchange.request.features
    if "vision" in features.needs:
        tokens = features.prompt_chars // _CHARS_A_TOKEN
    else:
        tokens = len(exchange.body) // _BYTES_A_TOKEN
    return replace(features, prompt_tokens=tokens + 1)


def _pinned(roster: Roster, name: str, key_id: int) -> int | None:
    """The tier that a request names, by an alias, its position or its model; None for `auto` and for a name that none
    has, such as an agent's own default. Raises Refusal for a position that there is not."""
    target = roster.target(key_id, name) or name
    if target == AUTO or not target:
        return None
    if target.startswith(_PREFIX):
        found = [tier for tier in roster.tiers if str(tier.position) == target.removeprefix(_PREFIX)]
        if not found:
            raise Refusal(404, "model_not_found", f"There is no {target}; GET /v1/models lists the tiers.")
        return found[0].id
    return next((tier.id for tier in roster.tiers if target in (tier.model, tier.name)), None)


def _nobody(plan: Plan) -> Refusal:
    """Why no tier can answer: each with its reason."""
    reasons = "; ".join(f"{_named(step.tier)}: {step.reason}" for step in plan.skipped) or "no tier is set up"
    return Refusal(503, "no_tier", f"No tier can answer this request now. {reasons}.", retry_after_s=10)


def _named(tier: Tier) -> str:
    return f"tier {tier.position} ({tier.name})"
