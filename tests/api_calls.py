"""What tests of the API share: one request on a connection of its own, calls to send, and a server of one's own."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.conftest import ROOT, database_url, wait_until_ready
from tloi_site.embedded.ports import free_port

CALLS = "/api/v1/calls/"
EXECUTIONS = "/api/v1/executions/"
USAGE = "/api/v1/usage/"
NOON = "2025-10-24T12:00:00Z"
NOTHING = {"accepted": 0, "duplicates": 0, "quarantined": 0, "rejected": []}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The content as a JSON value."""
        return json.loads(self.content)


def ask(
    web: str,
    method: str,
    path: str,
    *,
    key: str = "",
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request; a body that is no bytes goes out chunked, piece by piece."""
    connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=30)
    sent = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request(method, path, body, {**sent, **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def send(
    web: str, key: str, items: Any, *, path: str = CALLS, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The receipt of a JSON body that is taken."""
    answer = ask(web, "POST", path, key=key, body=json.dumps(items).encode(), headers=headers)
    assert answer.status == 200, answer.content
    receipt: dict[str, Any] = answer.json
    return receipt


def usage(web: str, key: str, **query: Any) -> dict[str, Any]:
    """What the API says was used, of the days around NOON unless the query names others."""
    asked = {"from": "2025-10-01", "to": "2025-10-31", **query}
    answer = ask(web, "GET", f"{USAGE}?{urlencode(asked, doseq=True)}", key=key)
    assert answer.status == 200, answer.content
    sums: dict[str, Any] = answer.json
    return sums


def call(name: str, **fields: Any) -> dict[str, Any]:
    """A call of a model that has no price, with one token in and one out unless told."""
    return {"id": name, "started_at": NOON, "model": "house-llama", "input_uncached": 1, "output": 1, **fields}


def packed(body: bytes) -> bytes:
    """gzip of it."""
    return gzip.compress(body, 1)


@dataclass(frozen=True, slots=True)
class Server:
    """A granian of a test's own: where it is, and the process that answers."""

    address: str
    worker: int

    def resident_mib(self) -> float:
        """The memory that the answering process holds."""
        pages = int(Path(f"/proc/{self.worker}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def processor_s(self) -> float:
        """The processor time it has used."""
        fields = Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def timed(
    server: Server, key: str, where: str, body: bytes, headers: Mapping[str, str] | None = None, *, most_s: float
) -> Answer:
    """The answer to a body, which must come within so many seconds, or cost the server no more of a processor where
    others keep the machine's."""
    begin, spent = time.monotonic(), server.processor_s()
    answer = ask(server.address, "POST", where, key=key, body=body, headers=headers)
    took, took_of_it = time.monotonic() - begin, server.processor_s() - spent
    assert min(took, took_of_it) < most_s
    assert took < 10 * most_s
    return answer


@contextmanager
def own_server(log: Path, **environment: str) -> Iterator[Server]:
    """A granian of one process on the test database, in an environment of its own, which writes to `log`."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "granian", "tloi_site.wsgi:application", "--interface", "wsgi", "--no-ws"),
        *("--loop", "asyncio"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "4", "--access-log"),
    )
    settings = {**os.environ, "DATABASE_URL": database_url(), **environment}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=out, stderr=out)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_ready(address, process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        yield Server(address, int(children.read_text().split()[0]) if children.exists() else 0)
    finally:
        process.terminate()
        process.wait(10)
