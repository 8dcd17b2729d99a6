"""How often kept answers were asked for and found, and what that saved: sums of a UTC day, stored once a second.

A hit is no call: nothing was asked of a provider and nothing is billed, so the ledger has none of it. What a process
that is killed had counted in its last second is missing, and what the database refuses is not told again: a saving may
be said too small, never too large.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import date
from json import dumps
from typing import Any

import psycopg
from django.db import Error, connection

from routing.gateway.exchange import Exchange
from routing.gateway.threads import Threads
from telemetry.facade import statement

STORED_AFTER_S = 1.0
_Key = tuple[int, date, int]  # project, day, tier
_FIELDS = ("asked", "found", "unpriced", "input_tokens", "output_tokens", "saved_nanousd")
_log = logging.getLogger(__name__)


class Recalls:
    """Of one process."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._sums: dict[_Key, dict[str, int]] = {}
        self._storing: asyncio.Task[None] | None = None

    def asked(self, exchange: Exchange) -> None:
        """A kept answer would do."""
        self._add(exchange, asked=1)

    def found(self, exchange: Exchange) -> None:
        """There was one, in `exchange.remembered`."""
        kept = exchange.remembered
        if kept is None:
            return
        self._add(
            exchange,
            found=1,
            unpriced=int(kept.cost_nanousd is None),
            input_tokens=kept.input_tokens,
            output_tokens=kept.output_tokens,
            saved_nanousd=kept.cost_nanousd or 0,
        )

    async def stop(self) -> None:
        """Store what was counted."""
        if self._storing is not None:
            self._storing.cancel()
            self._storing = None
        await self._store()

    def _add(self, exchange: Exchange, **counts: int) -> None:
        key = exchange.caller.project_id, exchange.received_at.date(), exchange.plan.steps[0].tier.id
        sums = self._sums.setdefault(key, dict.fromkeys(_FIELDS, 0))
        for name, count in counts.items():
            sums[name] += count
        if self._storing is None:
            self._storing = asyncio.create_task(self._later())

    async def _later(self) -> None:
        await asyncio.sleep(STORED_AFTER_S)
        self._storing = None
        await self._store()

    async def _store(self) -> None:
        taken, self._sums = self._sums, {}
        if taken:
            await self._threads.run(lambda: _store(taken))


def _store(sums: dict[_Key, dict[str, int]]) -> None:
    for project_id in sorted({project for project, _, _ in sums}):
        rows = [
            {"day": day.isoformat(), "tier_id": tier_id, **counts}
            for (project, day, tier_id), counts in sums.items()
            if project == project_id
        ]
        try:
            add_recalls(project_id, rows)
        except (Error, psycopg.Error) as error:
            _log.warning("%s sums of kept answers are lost: %s", len(rows), error)


def add_recalls(project_id: int, rows: list[dict[str, Any]]) -> None:
    """Add to the sums of days. Raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute(statement("routing.gateway", "add_recalls"), {"project_id": project_id, "rows": dumps(rows)})
