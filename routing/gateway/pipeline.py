"""The stages of a request, in their order.

identify ▸ equip ▸ plan ▸ count ▸ budget ▸ recall ▸ compress ▸ fit ▸ (dispatch ▸ fetch ▸ gate) ▸ account ▸ remember

Those in brackets once more where the model fetched what was left out of its prompt, and where the gate sends it up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from routing.cache.leases import leases
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.remembering import stands_in
from routing.gateway.resources import Resources
from routing.gateway.stages import (
    account,
    budget,
    compress,
    count,
    dispatch,
    equip,
    fetch,
    fit,
    gate,
    identify,
    plan,
    recall,
    remember,
)

Stage = Callable[[Exchange, Resources], Awaitable[None]]
BEFORE: tuple[Stage, ...] = (
    identify.run,
    equip.run,
    plan.run,
    count.run,
    budget.run,
    recall.run,
    compress.run,
    fit.run,
)
ASKING: tuple[Stage, ...] = (dispatch.run, fetch.run, gate.run)
AFTER: tuple[Stage, ...] = (account.run, remember.run)


async def run(exchange: Exchange, resources: Resources) -> None:
    """All of them. A streamed answer is sent meanwhile, any other is in `exchange.answer` then, or `remembered`. Raises
    Refusal."""
    try:
        for stage in BEFORE:
            await stage(exchange, resources)
        await answer(exchange, resources)
    except Refusal as refusal:
        if not stands_in(exchange, resources, refusal):
            raise
    finally:
        if exchange.claim is not None:
            leases.let_go(exchange.claim)


async def answer(exchange: Exchange, resources: Resources) -> None:
    """Those after the plan, for who has made one."""
    while exchange.step is not None:
        for stage in ASKING:
            await stage(exchange, resources)
    for stage in AFTER:
        await stage(exchange, resources)
