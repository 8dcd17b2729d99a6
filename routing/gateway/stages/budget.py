"""Whether the session is over: it comes before what costs nothing, so that a kept answer is no way around a budget.

Each attempt reserves for itself later (routing.gateway.budgets), for only an attempt knows its tier. So who can have
neither a kept answer nor a shorter prompt is not looked at here: the attempt says the same, and it is asked once.
"""

from __future__ import annotations

from routing.gateway.exchange import Exchange
from routing.gateway.remembering import wanted_hours
from routing.gateway.repeats import BadWish
from routing.gateway.resources import Resources
from routing.gateway.shortening import may_be_shortened
from routing.roster import Roster


async def run(exchange: Exchange, resources: Resources) -> None:
    """Leaves in `exchange.is_pressed` whether a budget is nearly used up. Raises Refusal where one is over."""
    if exchange.step is None or resources.budgets.is_free(exchange.caller.project_id):
        return
    roster = await resources.rosters.current()
    if may_be_shortened(exchange, roster) or _may_be_kept(exchange, roster):
        await resources.budgets.look(exchange, exchange.step.tier)


def _may_be_kept(exchange: Exchange, roster: Roster) -> bool:
    try:
        return bool(wanted_hours(exchange, roster))
    except BadWish:  # which is refused by who looks for it
        return False
