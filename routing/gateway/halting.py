"""What whoever is refused by budgets is told: what the session came to, and how the next one begins with it.

It costs no call, so it is told however little is left; a model may word it better, and for that a twentieth is held
back. Nothing of it is kept but here, for a client that asks the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from routing.compression.handover import handover
from routing.gateway.exchange import Exchange
from routing.wire.bodies import read_object

_REMEMBERED = 64
_SPANS = ("session", "run")  # periods that end when another begins
_FINAL = " A last summary of the model's may take what is held back: send `x-tloi-final: 1`."


class Halts:
    """Of one process, one at a time: a long conversation takes a processor for a while."""

    def __init__(self) -> None:
        self._told: dict[bytes, str] = {}
        self._turn = asyncio.Lock()

    async def told(self, exchange: Exchange, budgets: Sequence[Mapping[str, Any]]) -> dict[str, object]:
        """The fields of a refusal by these budgets, as `BudgetHold.budgets` says them: they themselves, `summary`,
        `next` in words, and in `next_at` from when there is room again, None where another session has it."""
        summary = await self._summary(exchange)
        ends = [one["ends_at"] for one in budgets if one["period"] not in _SPANS]
        next_at = max(ends) if ends else None
        return {"budgets": list(budgets), "summary": summary, "next": how(summary, next_at), "next_at": next_at}

    async def _summary(self, exchange: Exchange) -> str:
        key = sha256(exchange.protocol.encode() + exchange.body).digest()
        async with self._turn:
            if (known := self._told.get(key)) is None:
                known = await asyncio.to_thread(lambda: handover(exchange.protocol, read_object(exchange.body) or {}))
                self._told[key] = known
                if len(self._told) > _REMEMBERED:
                    del self._told[next(iter(self._told))]
        return known


def how(summary: str, next_at: str | None) -> str:
    """How the next session begins, for whoever reads the error."""
    when = f"From {next_at} on there is room again: begin a new session then" if next_at else "Begin a new session"
    if not summary:
        return f"{when}."
    return f"{when}, with `summary` as the user's first message.{_FINAL}"
