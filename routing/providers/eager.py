"""Requests that are written as soon as they are made.

Until Python 3.12 aiohttp has a task of its own write a request, which the event loop comes to after a look at all other
sockets: a twentieth of what the gateway adds to a first token.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

from aiohttp import ClientRequest
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection


class EagerRequest(ClientRequest):
    """Aiohttp's, whose body is on its way before somebody waits for that."""

    def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> Coroutine[Any, Any, None]:
        """Write what the socket takes now; the coroutine that is returned writes the rest."""
        return begun(super().write_bytes(writer, conn, content_length))


def begun(work: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
    """A coroutine that was begun, up to where it waits for the first time; what it raised until then it raises when it
    is awaited."""
    try:
        waits_for = work.send(None)
    except StopIteration:
        return _over()
    except Exception as error:  # noqa: BLE001 (it is raised again)
        return _over(error)
    return _continued(work, waits_for)


async def _continued(work: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _going_on(work, waits_for)


async def _over(error: Exception | None = None) -> None:
    if error is not None:
        raise error


@coroutine
def _going_on(work: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    try:
        while True:
            try:
                came = yield waits_for
            except BaseException as thrown:  # noqa: BLE001 (it is told what its waiting came to)
                waits_for = work.throw(thrown)
            else:
                waits_for = work.send(came)
    except StopIteration:
        return
    finally:
        work.close()
