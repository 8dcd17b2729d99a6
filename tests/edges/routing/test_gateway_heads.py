"""What a connection may do that never asks anything: neither fill memory nor stay. And answers come with their head."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from tests.gateways import Rungs
from tloi_site import heads
from tloi_site.heads import BoundedHeads

HALF = b"GET /healthz HTTP/1.1\r\nHost: here\r\nx-long: "


@contextmanager
def connected(rungs: Rungs) -> Iterator[socket.socket]:
    host, _, port = rungs.address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        yield connection


def said(connection: socket.socket) -> bytes:
    """All until it is closed."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_a_head_without_end_is_refused(rungs: Rungs) -> None:
    with connected(rungs) as connection:
        connection.sendall(HALF)
        sent = 0
        try:
            while sent < 100 * heads.MOST_BYTES:
                connection.sendall(b"a" * 8192)
                sent += 8192
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < 100 * heads.MOST_BYTES
        answer = said(connection)  # it may be lost, where the connection was reset with something unread
        assert not answer or answer.startswith(b"HTTP/1.1 400 ")


def test_a_head_that_does_not_come_ends_the_connection(rungs: Rungs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "HEAD_S", 0.3)
    for begin in (b"", HALF):
        with connected(rungs) as connection:
            began = time.monotonic()
            connection.sendall(begin)
            assert said(connection) == b""
            assert time.monotonic() - began < 10


def test_a_connection_that_is_kept_answers_one_request_after_another(
    rungs: Rungs, caller_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a head may take, and with a body that is longer than a head may be."""
    monkeypatch.setattr(heads, "HEAD_S", 0.5)
    host, _, port = rungs.address.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "word " * 15_000}]})
    for _ in range(3):
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {caller_key}"})
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (200, True)
        time.sleep(0.4)
    connection.close()


LENGTH = (b"content-length", b"2")


async def answering(ask: bytes, protocol: type[HttpToolsProtocol], *heads: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """What came from a server of that protocol before the body of an answer was there, and all that came."""
    is_body_there = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if ask.startswith(b"POST"):
            assert (await receive())["body"] == b"hi"
        await send({"type": "http.response.start", "status": 200, "headers": heads})
        await is_body_there.wait()
        await send({"type": "http.response.body", "body": b"ho"})

    config = uvicorn.Config(application, http=protocol, lifespan="off", log_config=None)
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(ask)
        early = b""
        with suppress(TimeoutError):
            early = await asyncio.wait_for(reader.read(65536), 0.3)
        is_body_there.set()
        whole = early + await asyncio.wait_for(reader.read(-1), 10)
        writer.close()
        return early, whole


@pytest.mark.parametrize(
    ("ask", "early", "ends_with"),
    [
        (b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", b"", b"\r\n\r\nho"),
        (b"GET / HTTP/1.0\r\n\r\n", b"", b"\r\n\r\nho"),
        (b"HEAD / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 ", b"\r\n\r\n"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 100 Continue",
            b"\r\n\r\nho",
        ),
    ],
)
def test_a_head_goes_with_its_body(ask: bytes, early: bytes, ends_with: bytes) -> None:
    before, whole = asyncio.run(answering(ask, BoundedHeads, LENGTH))
    assert before.startswith(early)
    assert (b" 200 " in before) == (b" 200 " in early)
    assert whole.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert whole.endswith(ends_with)


def test_uvicorn_itself_sends_a_head_alone() -> None:
    before, whole = asyncio.run(answering(b"GET / HTTP/1.0\r\n\r\n", HttpToolsProtocol, LENGTH))
    assert before.startswith(b"HTTP/1.1 200 OK")
    assert whole.endswith(b"ho")


def test_the_head_of_a_stream_goes_ahead() -> None:
    before, whole = asyncio.run(answering(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", BoundedHeads))
    assert before.startswith(b"HTTP/1.1 200 OK")
    assert whole.endswith(b"2\r\nho\r\n0\r\n\r\n")
