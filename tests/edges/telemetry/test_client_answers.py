"""The agents' SDK and whoever else may answer: servers in trouble, proxies, portals. Only a receipt ends a record."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from telemetry.client import TokenTelemetry
from tests.agents import CLOSED, spooled
from tests.api_calls import NOTHING

RECEIPT = json.dumps(NOTHING | {"accepted": 1})


class Somebody(ThreadingHTTPServer):
    """A server that gives the answers it was told, the last one for ever, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class _Answering(BaseHTTPRequestHandler):
    server: Somebody

    def do_POST(self) -> None:
        """Give the next answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        answers = self.server.answers
        status, headers, text = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self) -> None:
        """Who follows a redirect asks so."""
        self.do_POST()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def somebody() -> Iterator[Somebody]:
    with Somebody() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def telemetry(somebody: Somebody, tmp_path: Path) -> Iterator[TokenTelemetry]:
    client = TokenTelemetry(somebody.address, "tloi_key", spool_dir=str(tmp_path))
    yield client
    client.close(0.1)
    shutil.rmtree(tmp_path)  # so that nothing is left to be said when Python ends


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, "<h1>Please log in to this network</h1>"),
        (200, {}, '"fine"'),
        (201, {}, RECEIPT),
        (301, {"Location": "/elsewhere"}, ""),
        (400, {}, "<h1>Bad Request (400)</h1>"),
        (401, {}, '{"error": {}}'),
        (403, {}, '{"error": {}}'),
        (404, {}, ""),
        (500, {}, "Oops"),
        (502, {}, "<h1>Bad Gateway</h1>"),
    ],
    ids=lambda answer: f"{answer[0]} {answer[2]}"[:30],
)
def test_whoever_gives_no_receipt_has_stored_nothing(
    somebody: Somebody, telemetry: TokenTelemetry, tmp_path: Path, answer: Any
) -> None:
    somebody.answers = [answer, (200, {}, RECEIPT)]
    telemetry.record_start("sync")
    assert telemetry.flush() is False
    assert [record["task_id"] for record in spooled(tmp_path)] == ["sync"]
    assert telemetry.flush()
    assert [path for path, _, _ in somebody.asked] == ["/api/v1/executions/"] * 2
    assert (list(tmp_path.iterdir()), telemetry.lost) == ([], 0)


@pytest.mark.parametrize(
    "answer",
    [
        (413, {}, "<h1>Request Entity Too Large</h1>"),
        (400, {}, '{"error": {"code": "bad_body", "message": "The body is not JSON."}}'),
        (400, {}, json.dumps(NOTHING | {"rejected": [{"index": 0, "id": "", "reason": "it is odd"}]})),
    ],
    ids=["too large", "an error", "a receipt"],
)
def test_what_was_refused_with_a_reason_is_not_sent_again(
    somebody: Somebody,
    telemetry: TokenTelemetry,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    answer: Any,
) -> None:
    somebody.answers = [answer]
    telemetry.record_start("sync")
    assert telemetry.flush()
    assert telemetry.flush()
    assert (len(somebody.asked), list(tmp_path.iterdir()), telemetry.lost) == (1, [], 1)
    assert "TLOI refused records" in caplog.text


def test_records_of_an_unbelievable_time_are_not_lost_silently(
    somebody: Somebody, telemetry: TokenTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    somebody.answers = [(200, {}, json.dumps(NOTHING | {"quarantined": 1}))]
    telemetry.record_start("sync")
    assert telemetry.flush()
    assert "clock is wrong" in caplog.text


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_time_gets_it(somebody: Somebody, telemetry: TokenTelemetry, status: int) -> None:
    somebody.answers = [(status, {"Retry-After": "1"}, ""), (200, {}, RECEIPT)]
    begin = time.monotonic()
    telemetry.record_start("sync")
    assert telemetry.flush() is False
    assert telemetry.flush() is False
    assert len(somebody.asked) == 1
    while len(somebody.asked) == 1 and time.monotonic() - begin < 5:
        time.sleep(0.02)
    assert 1 <= time.monotonic() - begin < 10
    assert telemetry.flush()


def test_a_date_to_retry_after_is_waited_for_too(somebody: Somebody, telemetry: TokenTelemetry) -> None:
    somebody.answers = [(503, {"Retry-After": "Fri, 27 Nov 2026 12:00:00 GMT"}, "")]
    telemetry.record_start("sync")
    assert telemetry.flush() is False
    assert telemetry.flush() is False
    assert len(somebody.asked) == 1


def test_many_records_go_packed_and_in_order(somebody: Somebody, telemetry: TokenTelemetry) -> None:
    somebody.answers = [(200, {}, RECEIPT)]
    with telemetry._disk:  # so that they go together
        for number in range(100):
            telemetry.record_start(f"t{number}")
    assert telemetry.flush()
    sent = []
    for _, headers, body in somebody.asked:
        assert headers["authorization"] == "Bearer tloi_key"
        assert headers["content-type"] == "application/x-ndjson"
        text = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        assert len(text) <= 4096 or text != body
        sent += [json.loads(line)["task_id"] for line in text.splitlines()]
    assert sent == [f"t{number}" for number in range(100)]


def test_a_proxy_of_the_environment_is_used_but_not_to_reach_this_machine(
    somebody: Somebody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    somebody.answers = [(200, {}, RECEIPT)]
    monkeypatch.setenv("http_proxy", CLOSED)
    near = TokenTelemetry(somebody.address, "tloi_key", spool_dir=str(tmp_path))
    near.record_start("near")
    assert near.close()
    monkeypatch.setenv("http_proxy", somebody.address)
    far = TokenTelemetry("http://tloi.example", "tloi_key", spool_dir=str(tmp_path))
    far.record_start("far")
    assert far.close()
    assert [path for path, _, _ in somebody.asked] == [
        "/api/v1/executions/",
        "http://tloi.example/api/v1/executions/",
    ]


@pytest.mark.parametrize("url", ["tloi.example", "ftp://tloi.example", "http://", "http://[::1", "http://127.0.0.1:x"])
def test_an_address_that_is_none_troubles_nobody(tmp_path: Path, url: str) -> None:
    client = TokenTelemetry(url, "tloi_key", spool_dir=str(tmp_path))
    client.record_start("sync")
    assert client.close() is False
    assert len(spooled(tmp_path)) == 1
