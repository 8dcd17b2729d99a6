"""The stages of a request, in their order.

identify ▸ plan ▸ count ▸ (dispatch ▸ gate), once more where the gate sends it up ▸ account
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from routing.gateway.exchange import Exchange
from routing.gateway.resources import Resources
from routing.gateway.stages import account, count, dispatch, gate, identify, plan

Stage = Callable[[Exchange, Resources], Awaitable[None]]
BEFORE: tuple[Stage, ...] = (identify.run, plan.run, count.run)
ASKING: tuple[Stage, ...] = (dispatch.run, gate.run)
AFTER: tuple[Stage, ...] = (account.run,)


async def run(exchange: Exchange, resources: Resources) -> None:
    """All of them. A streamed answer is sent meanwhile, any other is in `exchange.answer` then. Raises Refusal."""
    for stage in BEFORE:
        await stage(exchange, resources)
    await answer(exchange, resources)


async def answer(exchange: Exchange, resources: Resources) -> None:
    """Those after the plan, for who has made one."""
    while exchange.step is not None:
        for stage in ASKING:
            await stage(exchange, resources)
    for stage in AFTER:
        await stage(exchange, resources)
