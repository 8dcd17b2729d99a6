"""The model gateway, `python -m tloi_site.gateway`: one process with one event loop, which uvicorn serves from inside.

In the loop that asks the providers, for a server whose sockets are in threads of its own passes each request, head and
piece from one to another, which cost a third of a first token's time (docs/design.md). One worker is enough: a model
call is a wait, and what is waited for costs nothing. For more, start more of them behind one address.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

import uvicorn
import uvloop

from tloi_site import env
from tloi_site.heads import BoundedHeads

SWITCH_S = 0.0005  # for which a thread may keep Python from the others: the ledger's must not hold up a stream by 5 ms
KEEP_ALIVE_S = 75  # longer than clients keep a connection that they do not use


class Server(uvicorn.Server):
    """Serves an ASGI application until `stop`, or a signal. Nothing wakes it while nobody asks."""

    def __init__(self, application: Any, *, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                interface="asgi3",
                http=BoundedHeads,
                ws="none",
                lifespan="on",
                backlog=1024,
                timeout_keep_alive=KEEP_ALIVE_S,
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,  # which a clock would have to renew
            )
        )
        self._over = asyncio.Event()

    def stop(self) -> None:
        """Take no more and end, in its own loop."""
        self.should_exit = True
        self._over.set()

    async def main_loop(self) -> None:
        """Wait for the end. Uvicorn's own looks ten times a second."""
        await self._over.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Close the doors, and let the application end its streams before connections are waited for: it knows how long
        they may go on, and notes what they cost."""
        for server in self.servers:
            server.close()
        await self.lifespan.shutdown()
        self.force_exit = True  # nobody is waited for any more
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A signal stops it; it is not raised again at the end, as uvicorn does, for then no exit would be clean."""
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for name in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(name, self.stop)
        yield


def main() -> int:
    """Until a signal ends it; the exit code."""
    from tloi_site.asgi import application  # noqa: PLC0415 (with Django, and only where it is served)

    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    port = env.integer("TLOI_GATEWAY_PORT", low=1, high=65535)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(application, port))
    return 0


async def _serve(application: Any, port: int) -> None:
    await Server(application, host=env.text("TLOI_HOST"), port=port).serve()


if __name__ == "__main__":
    sys.exit(main())
