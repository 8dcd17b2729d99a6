"""The cache's Valkey as this process asks it: within a time limit, and not at all for a while after it failed.

It may forget everything and be away: who asks makes the answer then. One client for threads and event loops: from a
loop a question goes by way of a few threads, which costs some tenths of a millisecond and leaves nothing in the loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from routing.cache.lookups import Ask

TIMEOUT_S = 0.25  # of one question
RETRY_AFTER_S = 5.0
_THREADS = 8
_log = logging.getLogger(__name__)


class Valkey:
    """Runs scripts in the Valkey at `url`."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),  # one that a restart cut
        )
        self._scripts: dict[str, Script] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="kept")
        self._away_until = 0.0

    def ask(self, asked: Ask) -> Any:
        """What a script returns; [] where it returns nothing, None where Valkey does not answer."""
        if time.monotonic() < self._away_until:
            return None
        try:
            script = self._scripts.get(asked.script) or self._known(asked.script)
            found = script(keys=asked.keys, args=asked.args)
        except (redis.RedisError, OSError) as error:
            if time.monotonic() >= self._away_until:
                _log.warning("the cache does not answer, results are made anew for %s s: %s", RETRY_AFTER_S, error)
            self._away_until = time.monotonic() + RETRY_AFTER_S
            return None
        return [] if found is None else found

    async def ask_from_loop(self, asked: Ask) -> Any:
        """The same, for an event loop: no longer than the limit, however many others ask."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                return await loop.run_in_executor(self._threads, self.ask, asked)
        except TimeoutError:
            return None

    def drop(self, *keys: str) -> bool:
        """Delete these keys; whether that was done."""
        try:
            self._client.delete(*keys)
        except (redis.RedisError, OSError) as error:
            _log.warning("the cache does not answer, nothing was forgotten: %s", error)
            return False
        return True

    def _known(self, script: str) -> Script:
        self._scripts[script] = self._client.register_script(script)
        return self._scripts[script]


_made: dict[str, Valkey] = {}


def valkey() -> Valkey:
    """This process's, at the address of the settings."""
    url = settings.CACHE_URL
    if url not in _made:
        _made[url] = Valkey(url)
    return _made[url]


os.register_at_fork(after_in_child=_made.clear)  # a fork has none of the threads
