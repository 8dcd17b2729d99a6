"""One request goes out as it is, and its answer comes from the connection that is free, or from a new one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientTimeout, TCPConnector

from routing.providers.pool import Answer, Pool

Result = TypeVar("Result")
Ask = Callable[..., Awaitable[Answer]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG = bytes(range(256)) * 2**16  # 16 MiB: a socket takes a part of it at once


class Server:
    """Answers each request with the next of `answers`; "" closes the connection instead."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                answer = self.answers.pop(0)
                self.bodies.append(hashlib.sha256(await reader.readexactly(length)).digest() if answer else b"")
                writer.write(answer)
                await writer.drain()
                if not answer:
                    break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def asked(server: Server, work: Callable[[Ask], Awaitable[Result]]) -> Result:
    """What a piece of work comes to that may ask a server, by a pool of its own."""

    async def inside() -> Result:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        pool = Pool(TCPConnector())
        port = listening.sockets[0].getsockname()[1]

        async def ask(body: bytes | None = b"{}", headers: Mapping[str, str] = {}) -> Answer:
            url, timeout = f"http://127.0.0.1:{port}/v1/x?y=1", ClientTimeout(connect=10)
            method = "GET" if body is None else "POST"
            return await pool.ask(method, url, body=body, headers=headers, timeout=timeout)

        async with listening:
            try:
                return await asyncio.wait_for(work(ask), 20)
            finally:
                await pool.close()

    return asyncio.run(inside())


async def read(answer: Answer) -> tuple[int, bytes]:
    body = await answer.content.read()
    answer.close()
    return answer.status, body


def test_a_request_is_sent_as_it_is_and_a_connection_is_used_again_once_its_answer_was_read() -> None:
    server = Server(OK, OK)

    async def work(ask: Ask) -> list[tuple[int, bytes]]:
        return [await read(await ask(b"{}", {"X-Key": "secret"})), await read(await ask(None))]

    assert asked(server, work) == [(200, b"ok"), (200, b"ok")]
    assert server.connections == 1
    assert server.heads[0].startswith(b"POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Key: secret\r\nContent-Length: 2\r\n\r\n" in server.heads[0]
    assert server.heads[1].startswith(b"GET /v1/x?y=1 HTTP/1.1\r\n")
    assert b"ontent-" not in server.heads[1]


def test_what_was_not_read_to_its_end_is_not_used_again() -> None:
    server = Server(OK.replace(b": 2", b": 9"), OK)

    async def work(ask: Ask) -> tuple[int, bytes]:
        (await ask()).close()
        return await read(await ask())

    assert asked(server, work) == (200, b"ok")
    assert server.connections == 2


def test_a_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    server = Server(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK)

    async def work(ask: Ask) -> list[tuple[int, bytes]]:
        return [await read(await ask()), await read(await ask())]

    assert [status for status, _ in asked(server, work)] == [200, 200]
    assert server.connections == 2


def test_heads_that_say_to_wait_on_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    assert asked(Server(early + early + OK), _status) == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"220 mail here\r\n\r\n",
    ],
)
def test_another_protocol_is_no_answer(answer: bytes) -> None:
    with pytest.raises(ClientPayloadError):
        asked(Server(answer), _status)


def test_a_server_that_hangs_up_is_an_error() -> None:
    with pytest.raises(ClientConnectionError):
        asked(Server(b""), _status)


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\0b"])
def test_a_header_of_two_lines_is_not_sent(value: str) -> None:
    server = Server(OK)
    with pytest.raises(ValueError, match="line break"):
        asked(server, lambda ask: ask(b"{}", {"x-name": value}))
    assert server.heads == []


def test_a_long_body_arrives_whole() -> None:
    server = Server(OK)
    assert asked(server, lambda ask: _status(ask, LONG)) == 200
    assert server.bodies == [hashlib.sha256(LONG).digest()]


async def _status(ask: Ask, body: bytes = b"{}") -> int:
    return (await read(await ask(body)))[0]
