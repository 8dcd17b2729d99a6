"""The roster for the event loop: read in a thread, and again beside the requests, so that none waits for it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from routing import roster
from routing.gateway.threads import Threads
from routing.roster import Roster

RENEW_S = 1.0  # after which it is looked at again
FRESH_S = 3.0  # after which a request waits for that


class Rosters:
    """What this process knows of the tiers."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._known: Roster | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[Roster] | None = None

    async def current(self) -> Roster:
        """The roster as it was some seconds ago at most. Raises what the database does, where it never answered."""
        age = time.monotonic() - self._read_at
        if age > RENEW_S and self._reading is None:
            self._reading = asyncio.create_task(self._read())
        if self._reading is not None and (self._known is None or age > FRESH_S):
            return await asyncio.shield(self._reading)
        return self._known if self._known is not None else await self._read()

    async def _read(self) -> Roster:
        began = time.monotonic()
        try:
            self._known = await self._threads.run(lambda: roster.current(now=datetime.now(UTC)))
            self._read_at = began
        finally:
            self._reading = None
        return self._known
