"""The agents' SDK asks for a forecast: whatever the server does, an agent waits a fifth of a second at most."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from telemetry.client import ASK_S, MAX_ASKING, TokenTelemetry
from tests.agents import CLOSED, spooled
from tests.api_calls import NOTHING

SLACK_S = 0.1  # of a busy machine
FORECAST = {"level": "agent", "n": 30, "tokens": {"q50": 1000, "q90": 4000}}


Does = Callable[[socket.socket], None]


def said(connection: socket.socket, status: bytes, document: Any) -> None:
    body = json.dumps(document).encode()
    connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


def answers(connection: socket.socket) -> None:
    """Says what is expected."""
    said(connection, b"200 OK", FORECAST)


def refuses(connection: socket.socket) -> None:
    """Has no such address."""
    said(connection, b"404 Not Found", {"error": {}})


def raves(connection: socket.socket) -> None:
    """Says what is no HTTP."""
    connection.sendall(b"\0" * 100 + b"\r\n\r\n")


def hangs(_: socket.socket) -> None:
    """Says nothing."""
    time.sleep(3 * ASK_S)


def drips(connection: socket.socket) -> None:
    """Says a letter at a time, each well within the limit of a socket."""
    for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":
        connection.sendall(bytes([letter]))
        time.sleep(ASK_S / 4)


@contextmanager
def server(does: Does) -> Iterator[tuple[str, list[Any]]]:
    """The address of a server that does something with each question and takes all records, which are in the list."""
    records: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_POST(self) -> None:
            """Read it to its end, and answer."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with suppress(OSError):
                if self.path == "/api/v1/forecast/":
                    does(self.connection)
                else:
                    records.extend(json.loads(line) for line in body.splitlines())
                    said(self.connection, b"200 OK", NOTHING)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads, listener.block_on_close = True, False
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_address[1]}", records
        listener.shutdown()


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """So that nothing is left to be said when Python ends."""
    yield
    shutil.rmtree(tmp_path)


def asked(address: str, folder: Path, **fields: Any) -> tuple[Any, float]:
    """What a start that asks returns, and the seconds that it took."""
    client = TokenTelemetry(address, "tloi_key", spool_dir=str(folder))
    begin = time.monotonic()
    answer = client.record_start("sync", "claude_code", ask=True, **fields)
    took = time.monotonic() - begin
    client.close()
    return answer, took


def test_the_answer_is_the_servers(tmp_path: Path) -> None:
    with server(answers) as (address, _):
        assert asked(address, tmp_path)[0] == FORECAST


@pytest.mark.parametrize("does", [hangs, drips])
def test_a_server_that_is_slow_costs_a_fifth_of_a_second_at_most(tmp_path: Path, does: Does) -> None:
    with server(does) as (address, _):
        answer, took = asked(address, tmp_path)
        assert answer is None
        assert ASK_S <= took < ASK_S + SLACK_S


@pytest.mark.parametrize("does", [refuses, raves])
def test_a_server_that_has_no_forecast_costs_no_wait(tmp_path: Path, does: Callable[[socket.socket], None]) -> None:
    with server(does) as (address, _):
        answer, took = asked(address, tmp_path)
        assert answer is None
        assert took < ASK_S


@pytest.mark.parametrize("address", [CLOSED, "nowhere", ""])
def test_where_nobody_is_there_is_no_forecast_and_no_wait(tmp_path: Path, address: str) -> None:
    answer, took = asked(address, tmp_path)
    assert answer is None
    assert took < ASK_S


def test_the_start_is_recorded_whatever_becomes_of_the_question(tmp_path: Path) -> None:
    asked(CLOSED, tmp_path, execution_id="e1", description="the reading list", context_tokens=9)
    (record,) = spooled(tmp_path)
    assert (record["execution_id"], record["status"], record["context_tokens"]) == ("e1", "started", 9)
    assert "ask" not in record


def test_who_does_not_ask_waits_for_nobody(tmp_path: Path) -> None:
    with server(hangs) as (address, _):
        client = TokenTelemetry(address, "tloi_key", spool_dir=str(tmp_path))
        begin = time.monotonic()
        assert isinstance(client.record_start("sync"), str)
        assert time.monotonic() - begin < ASK_S / 2
        client.close()


def test_those_who_wait_in_vain_do_not_become_many(tmp_path: Path) -> None:
    with server(hangs) as (address, _):
        client = TokenTelemetry(address, "tloi_key", spool_dir=str(tmp_path))
        agents = [threading.Thread(target=client.record_start, args=("sync",), kwargs={"ask": True}) for _ in range(30)]
        for agent in agents:
            agent.start()
        assert 1 <= sum(thread.name == "tloi.ask" for thread in threading.enumerate()) <= MAX_ASKING + 1
        for agent in agents:
            agent.join()
        client.close()


def test_a_context_that_asks_knows_its_forecast_and_one_that_does_not_has_none(tmp_path: Path) -> None:
    with server(answers) as (address, records):
        client = TokenTelemetry(address, "tloi_key", spool_dir=str(tmp_path))
        with client.task("sync", ask=True) as task:
            assert task.forecast == FORECAST
            assert task.execution_id
        with client.task("sync") as task:
            assert task.forecast is None
        client.close()
    assert [record["status"] for record in records] == ["started", "done"] * 2
    assert not any("ask" in record for record in records)
