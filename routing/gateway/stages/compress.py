"""The prompt is made shorter where the project wants that and it saves money, or it is measured what that would save.

It comes after kept answers, which are known by what the client asks, and before dispatch, for which budgets reserve
what is sent. Whatever is wrong, the request goes on as it came.
"""

from __future__ import annotations

from msgspec.structs import replace

from routing.compression.block import TOOL
from routing.contracts import Plan, Shortening, Tier
from routing.gateway.exchange import Asides, Exchange, Refusal
from routing.gateway.resources import Resources
from routing.gateway.shortening import Asked, conversation_of, is_fit, policy_of, wish
from routing.wire.prompts import tools_of

BYTES_A_TOKEN = 4  # as the plan has it


async def run(exchange: Exchange, resources: Resources) -> None:
    """Leaves the shorter request in `exchange.shortened`. Raises Refusal for a header that says nothing."""
    said = wish(exchange.headers)
    if said not in ("", "off"):
        raise Refusal(400, "invalid_request", "x-tloi-compress can only be off.", param="x-tloi-compress")
    if exchange.step is None or said == "off" or not is_fit(exchange):
        return
    rule = (await resources.rosters.current()).shortens(exchange.holder.project_slug)
    tier = exchange.step.tier
    if rule is None or not _takes_tools(exchange, tier):
        return
    made = await resources.conversations.shorten(_asked(exchange, resources, rule, tier))
    if made is None:
        return
    exchange.shortened = made.shortened
    needs = exchange.request.features.needs
    if rule.mode == "on" and made.is_offered:
        exchange.asides = Asides()
        exchange.plan = exchange.plan if "tools" in needs else _with_tools(exchange.plan)
    if exchange.size != len(exchange.body) and "vision" not in needs:
        exchange.prompt_tokens = exchange.size // BYTES_A_TOKEN + 1


def _takes_tools(exchange: Exchange, tier: Tier) -> bool:
    """Whether the model can fetch what is left out."""
    return "tools" in exchange.request.features.needs or "tools" in tier.capabilities


def _with_tools(plan: Plan) -> Plan:
    """A plan without the tiers that could not fetch."""
    places = [place for place, step in enumerate(plan.steps) if "tools" in step.tier.capabilities]
    return replace(
        plan,
        steps=tuple(plan.steps[place] for place in places),
        odds=tuple(plan.odds[place] for place in places),
    )


def _asked(exchange: Exchange, resources: Resources, rule: Shortening, tier: Tier) -> Asked:
    own = any(tool.name == TOOL for tool in tools_of(exchange.request.body))
    is_shadow = rule.mode == "shadow"
    return Asked(
        request=exchange.request,
        size=len(exchange.body),
        caller=exchange.caller,
        policy=policy_of(rule, tier, is_pressed=exchange.is_pressed),
        is_shadow=is_shadow,
        is_free=tier.is_free,
        # Rounded, so that what was counted of a conversation holds for its next request.
        bytes_a_token=round(resources.ratios.bytes_a_token(tier.id), 1),
        has_own_tool=own,
        now=exchange.received_at,
        conversation=conversation_of(exchange.request, exchange.caller, is_shadow=is_shadow),
    )
