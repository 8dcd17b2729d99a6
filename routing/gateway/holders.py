"""Who calls: keys and their rate, looked up in a thread and known for less than a second.

A key that was revoked is refused within a second in every process: what is known of it is believed for `FRESH_S` from
the moment it was asked for. A key that is in use is asked for again before that, beside the requests, so that a busy
agent never waits. While the database is away nobody can revoke a key either, so those that were known stay so for ten
minutes: the gateway goes on, and the journal keeps what it did.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from datetime import UTC, datetime
from functools import partial

import psycopg
from django.conf import settings
from django.db import Error as DatabaseError
from msgspec import Struct

from routing.gateway.threads import Threads
from telemetry import facade
from telemetry.facade import KeyHolder

FRESH_S = 0.9
RENEW_S = 0.4  # after which a key in use is asked for again
TRUSTED_S = 600.0  # while the database is away
MOST_KNOWN = 10_000
AWAY = (psycopg.Error, DatabaseError)


class KeysAway(Exception):
    """The database does not answer, and this key is not known here."""


class _Known(Struct):
    """A holder, until when that is believed, and when the database last said so (time.monotonic())."""

    holder: KeyHolder
    until: float
    said_at: float
    is_asked: bool = False


class Keys:
    """The keys that this process knows, by their SHA-256."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._known: dict[bytes, _Known] = {}
        self._asking: dict[bytes, asyncio.Task[KeyHolder]] = {}

    async def holder(self, plain: str) -> KeyHolder:
        """Whom a key speaks for. Raises BadKey, KeysAway."""
        digest, at = hashlib.sha256(plain.encode()).digest(), time.monotonic()
        known = self._known.get(digest)
        if known is None or known.until <= at:
            self._ask(digest, plain)
            return await asyncio.shield(self._asking[digest])
        if at > known.said_at + RENEW_S and not known.is_asked:
            known.is_asked = True
            self._ask(digest, plain)
        return known.holder

    def _ask(self, digest: bytes, plain: str) -> None:
        """See to it that one question about a key is under way."""
        if digest not in self._asking:
            task = self._asking[digest] = asyncio.create_task(self._look_up(digest, plain))
            task.add_done_callback(partial(self._answered, digest))

    def _answered(self, digest: bytes, task: asyncio.Task[KeyHolder]) -> None:
        del self._asking[digest]
        if not task.cancelled():
            task.exception()  # whoever waited for it was told

    async def _look_up(self, digest: bytes, plain: str) -> KeyHolder:
        began = time.monotonic()
        try:
            holder = await self._threads.run(lambda: facade.authenticate(plain, now=datetime.now(UTC)))
        except facade.BadKey:
            self._known.pop(digest, None)
            raise
        except AWAY as error:
            known = self._known.get(digest)
            if known is None or time.monotonic() > known.said_at + TRUSTED_S:
                raise KeysAway from error
            known.until, known.is_asked = time.monotonic() + FRESH_S, False
            return known.holder
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[digest] = _Known(holder, began + FRESH_S, began)
        return holder


class Rates:
    """Counts requests against the limit of their key, which holds for all processes: this one takes a few hundredths
    of a minute's requests at a time, so that most are admitted without a question. Never more than the limit passes;
    what another process took and did not use may be missing."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._left: dict[int, tuple[int, int]] = {}  # key id: the minute, how many are left of what was taken

    async def admit(self, key_id: int) -> None:
        """Count one request. Raises TooManyRequests."""
        limit = settings.RATE_LIMIT_PER_MINUTE
        if not limit:
            return
        minute = int(time.time()) // 60
        taken_in, left = self._left.get(key_id, (0, 0))
        if taken_in == minute and left:
            self._left[key_id] = minute, left - 1
            return
        taken = max(limit // 300, 1)
        now = datetime.now(UTC)
        await self._threads.run(lambda: facade.admit(key_id, requests=taken, now=now))
        if len(self._left) >= MOST_KNOWN:
            self._left.clear()
        taken_in, left = self._left.get(key_id, (0, 0))
        self._left[key_id] = minute, taken - 1 + (left if taken_in == minute else 0)
