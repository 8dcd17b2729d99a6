"""Sums of a UTC day that requests add to, stored once a second beside them.

What a process that is killed had counted in its last second is missing, and what the database refuses is not told
again: a saving may be said too small, never too large.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

import psycopg
from django.db import Error

from routing.gateway.exchange import Exchange
from routing.gateway.threads import Threads

STORED_AFTER_S = 1.0
_Key = tuple[int, date, int, bool]  # project, day, tier, and whether it is only measured
Store = Callable[[int, list[dict[str, Any]]], object]
_log = logging.getLogger(__name__)


class DaySums:
    """Of one process. `store` adds rows of a project to the table that has these fields."""

    def __init__(self, threads: Threads, what: str, fields: Sequence[str], store: Store) -> None:
        self._threads, self._what, self._fields, self._store = threads, what, fields, store
        self._sums: dict[_Key, dict[str, int]] = {}
        self._storing: asyncio.Task[None] | None = None

    def add(self, exchange: Exchange, *, is_shadow: bool = False, **counts: int) -> None:
        """Add to what is known of the tier that a request is asked of first."""
        key = exchange.caller.project_id, exchange.received_at.date(), exchange.plan.steps[0].tier.id, is_shadow
        sums = self._sums.setdefault(key, dict.fromkeys(self._fields, 0))
        for name, count in counts.items():
            sums[name] += count
        if self._storing is None:
            self._storing = asyncio.create_task(self._later())

    async def stop(self) -> None:
        """Store what was counted."""
        if self._storing is not None:
            self._storing.cancel()
            self._storing = None
        await self._store_all()

    async def _later(self) -> None:
        await asyncio.sleep(STORED_AFTER_S)
        self._storing = None
        await self._store_all()

    async def _store_all(self) -> None:
        taken, self._sums = self._sums, {}
        if taken:
            await self._threads.run(partial(self._stored, taken))

    def _stored(self, sums: dict[_Key, dict[str, int]]) -> None:
        for project_id in sorted({key[0] for key in sums}):
            rows = [
                {"day": day.isoformat(), "tier_id": tier_id, "is_shadow": is_shadow, **counts}
                for (project, day, tier_id, is_shadow), counts in sums.items()
                if project == project_id
            ]
            try:
                self._store(project_id, rows)
            except (Error, psycopg.Error) as error:
                _log.warning("%s sums of %s are lost: %s", len(rows), self._what, error)
