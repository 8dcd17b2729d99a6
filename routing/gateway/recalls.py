"""How often kept answers were asked for and found, and what that saved.

A hit is no call: nothing was asked of a provider and nothing is billed, so the ledger has none of it.
"""

from __future__ import annotations

from json import dumps
from typing import Any

from django.db import connection

from routing.gateway.exchange import Exchange
from routing.gateway.sums import DaySums
from routing.gateway.threads import Threads
from telemetry.facade import statement

_FIELDS = ("asked", "found", "unpriced", "input_tokens", "output_tokens", "saved_nanousd")


class Recalls:
    """Of one process."""

    def __init__(self, threads: Threads) -> None:
        self._sums = DaySums(threads, "kept answers", _FIELDS, add_recalls)

    def asked(self, exchange: Exchange) -> None:
        """A kept answer would do."""
        self._sums.add(exchange, asked=1)

    def found(self, exchange: Exchange) -> None:
        """There was one, in `exchange.remembered`."""
        kept = exchange.remembered
        if kept is None:
            return
        self._sums.add(
            exchange,
            found=1,
            unpriced=int(kept.cost_nanousd is None),
            input_tokens=kept.input_tokens,
            output_tokens=kept.output_tokens,
            saved_nanousd=kept.cost_nanousd or 0,
        )

    async def stop(self) -> None:
        """Store what was counted."""
        await self._sums.stop()


def add_recalls(project_id: int, rows: list[dict[str, Any]]) -> None:
    """Add to the sums of days. Raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute(statement("routing.gateway", "add_recalls"), {"project_id": project_id, "rows": dumps(rows)})
