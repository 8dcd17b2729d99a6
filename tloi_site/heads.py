"""The head of a request, as the gateway takes it: neither endless nor forever.

Uvicorn's protocol bounds neither: whoever may connect could fill memory with one header, or hold connections that never
ask anything.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 64 * 2**10
HEAD_S = 30.0  # for it to come, from its first byte or from the connection on


class BoundedHeads(HttpToolsProtocol):
    """Uvicorn's protocol with both bounds."""

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
        super().on_headers_complete()

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
