"""The model gateway, `python -m tloi_site.gateway`: one process with one event loop, which granian serves from inside.

Granian's own command would add a parent process that holds nothing but the interpreter. One worker is enough: a model
call is a wait, and what is waited for costs nothing. For more, start more of them behind one address.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from tloi_site import env

SWITCH_S = 0.0005  # for which a thread may keep Python from the others: the ledger's must not hold up a stream by 5 ms


def main() -> int:
    """Until a signal ends it; the exit code."""
    from tloi_site.asgi import application  # noqa: PLC0415 (with Django, and only where it is served)

    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    asyncio.run(_serve(application))
    return 0


async def _serve(application: object) -> None:
    server = Server(
        application,
        address=env.text("TLOI_HOST"),
        port=env.integer("TLOI_GATEWAY_PORT", low=1, high=65535),
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        log_level=LogLevels.error,
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    await server.serve()


if __name__ == "__main__":
    sys.exit(main())
