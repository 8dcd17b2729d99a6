"""What processes of the gateway count together, in the broker's Valkey, which never evicts and forgets nothing.

Where that does not answer each process counts for itself, and says so in its log: a call is not refused since a
counter is away. It is asked again after a few seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript

_RETRY_AFTER_S = 5.0
_TIMEOUT_S = 1.0
_log = logging.getLogger(__name__)


class Away(Exception):
    """Valkey does not answer, now or a few seconds ago."""


class Shared:
    """Runs scripts in the Valkey at `url`, each atomically. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Redis | None = None
        self._scripts: dict[str, AsyncScript] = {}
        self._away_until = 0.0

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """What a script returns. Raises Away."""
        if time.monotonic() < self._away_until:
            raise Away
        task = asyncio.current_task()
        cancels = task.cancelling() if task else 0
        try:
            called = self._scripts.get(script) or self._known(script)
            found = await called(keys=keys, args=args)
        except (redis.RedisError, OSError, ValueError) as error:
            if time.monotonic() >= self._away_until:  # several calls may wait for it at once
                _log.warning("Valkey does not answer: this process counts calls and quotas for itself. %s", error)
            self._away_until = time.monotonic() + _RETRY_AFTER_S
            raise Away from error
        if task and task.cancelling() > cancels:  # Python 3.11's wait_for, which redis uses, may swallow it
            raise asyncio.CancelledError
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
            self._scripts.clear()

    def _known(self, script: str) -> AsyncScript:
        self._scripts[script] = self._connected().register_script(script)
        return self._scripts[script]

    def _connected(self) -> Redis:
        if self._client is None:
            self._client = Redis.from_url(
                self._url,
                socket_connect_timeout=_TIMEOUT_S,
                socket_timeout=_TIMEOUT_S,
                retry=Retry(NoBackoff(), 1),  # a connection that a restart cut is made anew
                decode_responses=True,
            )
        return self._client
