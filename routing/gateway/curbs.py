"""Which calls budgets refused or lowered, added up and told telemetry once a second, beside the requests.

What a process that is killed had counted in its last second is missing, and what the database refuses is not told
again: a page may show too few of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import Error as DatabaseError

from routing.gateway.threads import Threads
from telemetry import facade
from telemetry.contracts import Call

TOLD_AFTER_S = 1.0
_log = logging.getLogger(__name__)


class Curbs:
    """Of one process."""

    def __init__(self, threads: Threads) -> None:
        self._threads, self._sums = threads, facade.BudgetCurbSums()
        self._telling: asyncio.Task[None] | None = None

    def note(self, project_id: int, call: Call, budgets: Sequence[Mapping[str, Any]], *, given: int | None) -> None:
        """These budgets left a call so many tokens of output, or (None) refused it."""
        now, prompt = datetime.now(UTC), call.input_uncached
        curbs = facade.budget_curbs(budgets, call, prompt=prompt, wanted=call.output, given=given, now=now)
        self._sums.add(project_id, curbs)
        if self._telling is None:
            self._telling = asyncio.create_task(self._later())

    async def stop(self) -> None:
        """Tell what was counted."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        await self._tell()

    async def _later(self) -> None:
        await asyncio.sleep(TOLD_AFTER_S)
        self._telling = None
        await self._tell()

    async def _tell(self) -> None:
        if not (taken := self._sums.take()):
            return
        try:
            await self._threads.run(lambda: facade.note_budget_curbs(taken))
        except (psycopg.Error, DatabaseError) as error:
            _log.warning("what budgets refused and lowered in the last second is lost: %s", error)
