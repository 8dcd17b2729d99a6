"""What tests of OTLP share: captured bodies, sent again with the headers that they came with."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.api_calls import Answer
from tests.conftest import SHARED_DATA

CAPTURED = SHARED_DATA / "otlp_captured"
_OURS = ("host", "content-length", "transfer-encoding", "connection", "authorization")


@dataclass(frozen=True, slots=True)
class Captured:
    """One request of an exporter."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_chunked(self) -> bool:
        """Whether it came without a Content-Length."""
        return "chunked" in self.headers.get("transfer-encoding", "")


def captured(folder: str, *signals: str) -> list[Captured]:
    """The requests of a folder, in order, or those of some signals; bodies that came as gzip are packed again."""
    return [one for one in _captured(CAPTURED / folder) if not signals or one.path.rpartition("/")[2] in signals]


def _captured(folder: Path) -> Iterator[Captured]:
    for header_file in sorted(folder.glob("*.hdr")):
        head = json.loads(header_file.read_text())
        headers = {name.lower(): value for name, value in head["headers"].items()}
        (body_file,) = (path for path in folder.glob(f"{header_file.stem}.*") if path.suffix != ".hdr")
        body = body_file.read_bytes()
        is_packed = headers.get("content-encoding") == "gzip"
        yield Captured(head["path"], headers, gzip.compress(body) if is_packed else body)


def replay(web: str, key: str, request: Captured) -> Answer:
    """Send a request as it came, chunked where it was."""
    wire = http.client.HTTPConnection(urlsplit(web).netloc, timeout=30)
    headers = {name: value for name, value in request.headers.items() if name not in _OURS}
    pieces = [request.body[start : start + 1000] for start in range(0, len(request.body), 1000)]
    body = iter(pieces) if request.is_chunked else request.body
    try:
        wire.request("POST", request.path, body, {**headers, "Authorization": f"Bearer {key}"})
        response = wire.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        wire.close()
