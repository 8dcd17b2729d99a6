"""An aiohttp application served in a thread of its own, which at its end leaves no socket behind."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import threading
import time
from collections.abc import Iterator

from aiohttp import web

_PATIENCE_S = 10.0


@contextlib.contextmanager
def served(app: web.Application, *, port: int = 0) -> Iterator[int]:
    """Serve `app` on 127.0.0.1, at a free port or at the one named; the port."""
    selector = selectors.DefaultSelector()
    loop = asyncio.SelectorEventLoop(selector)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        return int(runner.addresses[0][1])

    async def end() -> None:
        """Until only the loop's own pipe is watched: a connection may be accepted while the server shuts down."""
        await runner.cleanup()
        until = time.monotonic() + _PATIENCE_S
        while len(selector.get_map()) > 1 and time.monotonic() < until:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)

    found = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(2 * _PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
