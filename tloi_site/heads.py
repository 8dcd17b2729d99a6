"""The heads of requests and answers, as the gateway takes and gives them.

Of a request neither endless nor forever: uvicorn's protocol bounds neither, so that whoever may connect could fill
memory with one header, or hold connections that never ask anything. Of an answer whose length is known not alone: it is
written together with its body, for each write wakes the client. The head of a stream goes ahead: held for what comes
first behind it, it made the first token later.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_BYTES = 64 * 2**10
HEAD_S = 30.0  # for it to come, from its first byte or from the connection on


class HeadWithBody(asyncio.Transport):
    """What the answer to one request is written to."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        super().__init__()
        self._cycle, self._inner = cycle, cycle.transport
        self._is_head_next = cycle.scope["method"] != "HEAD"
        self._head = b""

    def write(self, data: bytes) -> None:  # type: ignore[override]
        """Write it, unless it is the head of a body that comes at once."""
        if self._is_head_next and self._cycle.response_started:
            self._is_head_next = False
            if self._cycle.expected_content_length:
                self._head = data
                return
        head, self._head = self._head, b""
        self._inner.write(head + data)

    def close(self) -> None:
        """Write what waits, and close."""
        if self._head:
            self.write(b"")
        self._inner.close()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._inner.is_closing()


class BoundedHeads(HttpToolsProtocol):
    """Uvicorn's protocol with both bounds, and with heads that wait."""

    _came = 0  # bytes of a head that is not whole
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has connected."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read what came, unless it is too much of a head."""
        if self._late is not None:
            self._came += len(data)
            if self._came > MOST_BYTES + len(data):  # this piece may hold the body too
                self.send_400_response(f"The head of a request may have {MOST_BYTES:,} bytes.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._forget()
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.transport = HeadWithBody(self.cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is connected any more."""
        self._forget()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._forget()
        self._late = self.loop.call_later(HEAD_S, self.transport.close)

    def _forget(self) -> None:
        self._came = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None
