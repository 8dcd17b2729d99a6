"""What a connection may do that never asks anything: neither fill memory nor stay."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.gateways import Rungs
from tloi_site import heads

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
