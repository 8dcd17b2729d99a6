"""An aiohttp application served in a thread of its own, which at its end leaves no socket behind."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
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
    listening = socket.create_server(("127.0.0.1", port), backlog=128)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)

    async def start() -> None:
        await runner.setup()
        await web.SockSite(runner, listening).start()

    async def end() -> None:
        """No more is accepted, what was has its turns, for asyncio leaves a socket open whose server closes just then;
        and so on until only the loop's own pipe is watched."""
        loop.remove_reader(listening)
        for _ in range(5):
            await asyncio.sleep(0)
        await runner.cleanup()
        until = time.monotonic() + _PATIENCE_S
        while len(selector.get_map()) > 1 and time.monotonic() < until:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(2 * _PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
