"""A look at the providers, beside the calls: when the gateway starts, and every hour.

Which models are gone is written down for the admin and the ladder; how many free calls an account made is told to the
quotas, since others may use the account too. What goes wrong is logged, and tried again an hour later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError

from routing import roster
from routing.providers import resolving
from routing.providers.admission import Admission
from routing.providers.http import Upstream
from routing.roster import Roster

EVERY_S = 3600.0
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
_log = logging.getLogger(__name__)


class Looking:
    """The task of one process. `in_thread` does what waits on the database."""

    def __init__(self, upstream: Upstream, admission: Admission, in_thread: InThread) -> None:
        self._upstream, self._admission, self._in_thread = upstream, admission, in_thread
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the loop that runs."""
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Once. Raises DatabaseError."""
        found: Roster = await self._in_thread(lambda: roster.current(now=datetime.now(UTC)))
        gone = await resolving.missing(self._upstream, found.tiers)
        await self._in_thread(lambda: resolving.note(gone, now=datetime.now(UTC)))
        accounts = {tier.quota.group: tier.provider for tier in found.tiers if tier.quota and tier.provider.secret}
        for group, provider in accounts.items():
            used = await resolving.free_calls_used(self._upstream, provider)
            if used is not None:
                await self._admission.quotas.learn(group, used=used, now=datetime.now(UTC))

    async def _go_on(self) -> None:
        while True:
            try:
                await self.look()
            except DatabaseError as error:
                _log.warning("which models are gone is not known now: %s", error)
            await asyncio.sleep(EVERY_S)
