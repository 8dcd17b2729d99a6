"""The reader of a stream: a task of its own, so that a client that is slow or leaves changes nothing of what is known.

    provider ─▶ this task ─▶ relay (what the client gets) ─▶ a bounded buffer ─▶ the client's own task

Until the first token the client's own task reads, which has nothing else to do: to go from one to another takes time.

The client left: a model of this network is told to stop, for its time is what it costs; one that is paid for is read to
its end, as far as that goes in some seconds and tokens, for only its end says what it cost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from routing.contracts import Fault
from routing.providers.failed import Failed
from routing.providers.http import Response
from routing.wire.streams import Relay

BUFFERED = 2**20  # bytes that may wait for a client
STALLED_S = 60.0  # after which a client that reads nothing has left
GRACE_S = 3.0  # for the usage and the end of a stream, after the end of its answer
DRAINED_S, DRAINED_TOKENS = 60.0, 8_192  # of a stream that nobody reads
LEFT = Fault(kind="cancelled", message="The client left.")


class Pump:
    """Reads one response. `next` gives what came; once it gives None, `fault` and what the relay heard are final.
    `heard` is called whenever the relay has heard something, before a client gets what came of it."""

    def __init__(self, response: Response, relay: Relay, *, is_held: bool, heard: Callable[[], object]) -> None:
        self._response, self.relay, self._heard = response, relay, heard
        self._most = 1 << 62 if is_held else BUFFERED
        self._pieces: list[bytes] = []
        self._size = 0
        self._came: asyncio.Event = asyncio.Event()
        self._room: asyncio.Event = asyncio.Event()
        self._is_over = False
        self._left_at: tuple[float, int] | None = None
        self._is_called_off = False
        self.first_token_at: float | None = None
        self.fault: Fault | None = None
        self._chunks = response.chunks()
        self._has_begun = False
        self._task: asyncio.Task[None] | None = None  # who is to be stopped where nobody reads any more

    async def next(self) -> bytes | None:
        """What came since it was last asked; waits for something. None: nothing more comes."""
        if not self._has_begun:
            self._has_begun = True
            self._task = asyncio.current_task()
            await self._read(goes_on=False)
            self._task = None
        elif self._task is None and not self._is_over:
            self._task = asyncio.create_task(self._read())
        while not self._pieces:
            if self._is_over:
                return None
            self._came.clear()
            await self._came.wait()
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._room.set()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def leave(self, *, drains: bool) -> None:
        """The client left: read on for what it cost (`drains`), or stop at once."""
        self._most = 1 << 62
        self._room.set()
        if drains:
            self._left_at = time.monotonic(), self.relay.counted_output
            return
        self._is_called_off = True
        if self._task is not None:
            self._task.cancel()

    async def _read(self, *, goes_on: bool = True) -> None:
        """Read to the end, or to the first token (`goes_on` false)."""
        is_over = True
        try:
            is_over = await self._read_all(goes_on=goes_on)
        except Failed as failure:
            if self.relay.is_finished:
                self._end()
            else:
                self.fault = failure.fault
        except asyncio.CancelledError:
            self.fault = None if self.relay.is_finished else LEFT
            if not goes_on and not self._was_called_off():
                raise
        finally:
            if is_over:
                self._response.close()
                self._is_over = True
                self._came.set()

    def _was_called_off(self) -> bool:
        """Whether the client's own task was stopped here, and so has to say how the stream ended."""
        if self._is_called_off and self._task is not None:
            self._task.uncancel()
        return self._is_called_off or self._left_at is not None

    async def _read_all(self, *, goes_on: bool) -> bool:
        """Whether it is over."""
        relay, response = self.relay, self._response
        is_waiting = False
        if self._is_called_off:
            raise asyncio.CancelledError
        async for chunk in self._chunks:
            piece = relay.feed(chunk)
            self._heard()
            if piece:
                self._pieces.append(piece)
                self._size += len(piece)
                self._came.set()
            if self.first_token_at is None and relay.saw_first_token:
                self.first_token_at = time.monotonic()
                response.saw_first_token()
            if relay.error is not None or relay.is_over:
                break
            if relay.is_finished and not is_waiting:
                is_waiting = True
                response.patience(GRACE_S)
            if self._left_at is not None and self._is_drained(*self._left_at):
                raise asyncio.CancelledError
            if not goes_on and ((self._pieces and relay.saw_first_token) or self._size > self._most):
                return False
            if self._size > self._most:
                await self._wait_for_room()
        self._end()
        return True

    def _end(self) -> None:
        if rest := self.relay.close():
            self._pieces.append(rest)
        if self.relay.error is not None:
            self.fault = self.relay.error
        elif not self.relay.is_finished:
            self.fault = Fault(kind="cut", message="The provider's stream ended before its answer did.", status=200)

    def _is_drained(self, since: float, tokens: int) -> bool:
        return time.monotonic() - since > DRAINED_S or self.relay.counted_output - tokens > DRAINED_TOKENS

    async def _wait_for_room(self) -> None:
        self._room.clear()
        try:
            async with asyncio.timeout(STALLED_S):
                await self._room.wait()
        except TimeoutError:
            raise asyncio.CancelledError from None
