"""A coroutine that is begun at once goes on where it waited, whatever that comes to; a long request arrives whole."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress

import pytest
from aiohttp import ClientConnectionError, ClientSession

from routing.providers.eager import EagerRequest, begun


def test_what_it_does_before_it_waits_is_done_at_once_and_the_rest_when_awaited() -> None:
    async def inside() -> list[str]:
        done, gate = [], asyncio.get_running_loop().create_future()

        async def work() -> None:
            done.append("begun")
            done.append(await gate)
            await asyncio.sleep(0)
            done.append("over")

        task = asyncio.create_task(begun(work()))
        assert done == ["begun"]
        await asyncio.sleep(0)
        assert done == ["begun"]
        gate.set_result("told")
        await task
        return done

    assert asyncio.run(inside()) == ["begun", "told", "over"]


def test_what_it_raises_is_raised_when_it_is_awaited() -> None:
    async def inside(*, waits: bool) -> None:
        async def work() -> None:
            if waits:
                await asyncio.sleep(0)
            raise KeyError("no")

        coroutine = begun(work())
        with pytest.raises(KeyError):
            await coroutine

    for waits in (False, True):
        asyncio.run(inside(waits=waits))


def test_it_may_be_called_off_while_it_waits() -> None:
    async def inside() -> list[str]:
        ended: list[str] = []

        async def work() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                ended.append("called off")
                raise

        task = asyncio.create_task(begun(work()))
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        return ended

    assert asyncio.run(inside()) == ["called off"]


BODY = bytes(range(256)) * 2**16  # 16 MiB: a socket takes a part of it at once


async def sent(*, breaks_off: bool = False) -> bytes:
    """The hash of what a server read as the body of a request."""
    heard = hashlib.sha256()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(1 if breaks_off else len(BODY) // 2**16):
            heard.update(await reader.readexactly(2**16))
        if not breaks_off:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, ClientSession(request_class=EagerRequest) as session:
        host, port = server.sockets[0].getsockname()
        async with session.post(f"http://{host}:{port}/", data=BODY) as answer:
            assert await answer.read() == b"ok"
    return heard.digest()


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
def test_a_long_body_arrives_whole_and_a_broken_one_is_an_error() -> None:
    assert asyncio.run(sent()) == hashlib.sha256(BODY).digest()
    with pytest.raises(ClientConnectionError):
        asyncio.run(sent(breaks_off=True))
