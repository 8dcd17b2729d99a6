"""The cache's Valkey as an event loop asks it itself: scripts go out as they come, over one connection.

A question that a thread asks costs five times the processor time of one of these (`benchmarks.looped`). It is for who
has another way: where there is no connection it is not `is_ready`, and the thread is asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import hiredis

from routing.cache.lookups import Ask

TIMEOUT_S = 0.25
GRACE_S = 0.05  # in which a loop that was busy itself reads what has come long since
AGAIN_S = 5.0  # between attempts to connect


class LoopClient:
    """Of one event loop, for a `redis://` address; for any other it is never ready."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._line: _Line | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._tried_at = float("-inf")

    def is_ready(self) -> bool:
        """Whether there is a connection; if not, one is made meanwhile."""
        if self._line is not None and not self._line.is_over:
            return True
        due = self._connecting is None and time.monotonic() - self._tried_at > AGAIN_S
        if due and self._parts.scheme == "redis":
            self._connecting = asyncio.create_task(self._connect())
        return False

    async def ask(self, asked: Ask) -> Any:
        """What a script returns. Raises OSError, with TimeoutError among them, after which there is no connection; and
        ReplyError for what Valkey refuses."""
        if self._line is None or self._line.is_over:
            raise ConnectionError("there is no connection")
        said = await self._line.script(asked)
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        """End the connection."""
        if self._line is not None:
            self._line.end()
        if self._connecting is not None:
            self._connecting.cancel()

    async def _connect(self) -> None:
        self._tried_at, parts = time.monotonic(), self._parts
        loop, line = asyncio.get_running_loop(), _Line()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await loop.create_connection(lambda: line, parts.hostname or "localhost", parts.port or 6379)
                if parts.password:
                    _good(await line.command("AUTH", unquote(parts.username or "default"), unquote(parts.password)))
                _good(await line.command("SELECT", parts.path.strip("/") or "0"))
            self._line = line
        except (OSError, hiredis.HiredisError):  # whoever asks by the thread says so
            return
        finally:
            self._connecting = None
            if self._line is not line:  # also where it was called off
                line.end()


def _good(said: Any) -> None:
    if isinstance(said, Exception):
        raise said


class _Line(asyncio.Protocol):
    """A connection while it lasts; what it is asked is answered in that order."""

    def __init__(self) -> None:
        self._reader, self._loop = hiredis.Reader(), asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[Any] | None] = deque()  # None: nobody, for what is said
        self._loaded: dict[str, str] = {}  # by script: its hash
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (said := self._reader.gets()) is not False:
                future = self._waiting.popleft()
                if future is not None and not future.done():  # else whoever asked has given up
                    future.set_result(said)
        except (hiredis.HiredisError, IndexError):  # this is no Valkey
            self.end()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_over = True
        for future in self._waiting:
            if future is not None and not future.done():
                future.set_exception(ConnectionError(f"Valkey has ended the connection: {error or 'it stops'}"))

    def end(self) -> None:
        """Close it."""
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()

    def command(self, *words: str | bytes | float) -> asyncio.Future[Any]:
        """Send a command; what comes back may be an error."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._send(future, *words)
        return future

    async def script(self, asked: Ask) -> Any:
        """Run a script, which Valkey is told when it does not know it."""
        text = asked.script
        if text not in self._loaded:
            self._load(text)
            self._loaded[text] = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        said = await self._run(asked)
        if isinstance(said, hiredis.ReplyError) and str(said).startswith("NOSCRIPT"):  # it was made to forget
            self._load(text)
            said = await self._run(asked)
        return said

    def _load(self, text: str) -> None:
        """Have Valkey know a script; what it says to that is said again by who runs it."""
        self._send(None, "SCRIPT", "LOAD", text)

    def _send(self, future: asyncio.Future[Any] | None, *words: str | bytes | float) -> None:
        if self._transport is None or self.is_over:
            raise ConnectionError("there is no connection")
        self._waiting.append(future)
        if not self._unsent:
            self._loop.call_soon(self._write)
        self._unsent.append(hiredis.pack_command(words))  # type: ignore[arg-type]  # it takes any number of them

    def _write(self) -> None:
        """Send what was asked while the loop went round once: a write costs more than all else of a question."""
        unsent, self._unsent = self._unsent, []
        if self._transport is not None and not self.is_over:
            self._transport.write(b"".join(unsent))

    async def _run(self, asked: Ask) -> Any:
        words = (self._loaded[asked.script], len(asked.keys), *asked.keys, *asked.args)
        future = self.command("EVALSHA", *words)
        timer = self._loop.call_later(TIMEOUT_S, self._loop.call_later, GRACE_S, self._give_up, future)
        try:
            return await future
        finally:
            timer.cancel()

    def _give_up(self, future: asyncio.Future[Any]) -> None:
        if not future.done():
            future.set_exception(TimeoutError("Valkey does not answer"))
            self.end()
