"""The cache's Valkey as this process asks it: within a time limit, and not at all for a while after it failed.

It may forget everything and be away: who asks makes the answer then. One client for threads and event loops. A loop
asks over its own connection (routing.cache.looped); while it has none one thread asks for it, all that came meanwhile
at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Sequence
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any
from weakref import WeakKeyDictionary

import hiredis
import redis
from django.conf import settings
from msgspec import Struct
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from routing.cache.lookups import Ask
from routing.cache.looped import LoopClient

TIMEOUT_S = 0.25  # of one question
RETRY_AFTER_S = 5.0
_MOST_AT_ONCE = 64  # questions of one journey
_log = logging.getLogger(__name__)


class _Waiting(Struct, frozen=True):
    """A question of an event loop, and where its answer goes."""

    asked: Ask
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Valkey:
    """Runs scripts in the Valkey at `url`."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),  # one that a restart cut
        )
        self._url, self._loops = url, WeakKeyDictionary[asyncio.AbstractEventLoop, LoopClient]()
        self._scripts: dict[str, Script] = {}
        self._waiting: SimpleQueue[_Waiting] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._away_until = 0.0

    def ask(self, asked: Ask) -> Any:
        """What a script returns; [] where it returns nothing, None where Valkey does not answer."""
        if time.monotonic() < self._away_until:
            return None
        try:
            found = self._known(asked.script)(keys=asked.keys, args=asked.args)
        except (redis.RedisError, OSError) as error:
            self._failed(error)
            return None
        return [] if found is None else found

    async def ask_from_loop(self, asked: Ask) -> Any:
        """The same, for an event loop: no longer than the limit, however many others ask."""
        if time.monotonic() < self._away_until:
            return None
        loop = asyncio.get_running_loop()
        if (own := self._own(loop)).is_ready():
            try:
                found = await own.ask(asked)
            except (OSError, hiredis.HiredisError) as error:
                self._failed(error)
                return None
            return [] if found is None else found
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.put(_Waiting(asked, loop, answer))
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="kept", daemon=True)
            self._thread.start()
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                return await answer
        except TimeoutError:
            return None

    def leave(self) -> None:
        """End the running loop's connection."""
        if (own := self._loops.pop(asyncio.get_running_loop(), None)) is not None:
            own.close()

    def _own(self, loop: asyncio.AbstractEventLoop) -> LoopClient:
        if (own := self._loops.get(loop)) is None:
            own = self._loops[loop] = LoopClient(self._url)
        return own

    def _go_on(self) -> None:
        """Ask what waits, for as long as this process lives."""
        while True:
            waiting = [self._waiting.get()]
            try:
                while len(waiting) < _MOST_AT_ONCE:
                    waiting.append(self._waiting.get_nowait())
            except Empty:
                pass
            try:
                said = self._ask_all([one.asked for one in waiting])
            except Exception:  # noqa: BLE001 (a defect of one question must not end the thread of all)
                _log.exception("The cache could not be asked.")
                said = [None] * len(waiting)
            answered = zip(waiting, said, strict=True)
            for loop, part in groupby(answered, key=lambda each: each[0].loop):
                pairs = [(one.answer, found) for one, found in part]
                try:
                    loop.call_soon_threadsafe(_tell, pairs)
                except RuntimeError:  # it has ended
                    continue

    def _ask_all(self, asks: Sequence[Ask]) -> list[Any]:
        """What each script returns, as `ask` has it."""
        if len(asks) == 1 or time.monotonic() < self._away_until:
            return [self.ask(one) for one in asks]
        try:
            with self._client.pipeline(transaction=False) as journey:
                for one in asks:
                    journey.evalsha(self._known(one.script).sha, len(one.keys), *one.keys, *one.args)
                found = journey.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as error:
            self._failed(error)
            return [None] * len(asks)
        return [self._answer(one, each) for one, each in zip(asks, found, strict=True)]

    def _answer(self, asked: Ask, found: Any) -> Any:
        """An answer of several that came at once; a script that Valkey has forgotten is sent again."""
        if isinstance(found, redis.exceptions.NoScriptError):
            return self.ask(asked)
        if isinstance(found, Exception):
            self._failed(found)
            return None
        return [] if found is None else found

    def _failed(self, error: Exception) -> None:
        if time.monotonic() >= self._away_until:
            _log.warning("the cache does not answer, results are made anew for %s s: %s", RETRY_AFTER_S, error)
        self._away_until = time.monotonic() + RETRY_AFTER_S

    def drop(self, *keys: str) -> bool:
        """Delete these keys; whether that was done."""
        try:
            self._client.delete(*keys)
        except (redis.RedisError, OSError) as error:
            _log.warning("the cache does not answer, nothing was forgotten: %s", error)
            return False
        return True

    def _known(self, script: str) -> Script:
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        return self._scripts[script]


def _tell(pairs: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for answer, found in pairs:
        if not answer.done():
            answer.set_result(found)


_made: dict[str, Valkey] = {}


def valkey() -> Valkey:
    """This process's, at the address of the settings."""
    url = settings.CACHE_URL
    if url not in _made:
        _made[url] = Valkey(url)
    return _made[url]


os.register_at_fork(after_in_child=_made.clear)  # a fork has none of the threads
