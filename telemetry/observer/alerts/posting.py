"""One POST to an address that a person typed in: to public addresses only, no redirect, no proxy, a few seconds.

`http.client` opens no connection here and reads no environment: we resolve the name once, refuse it where any of its
addresses is not public, connect to that very address and look again at whom the socket is connected to.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult

from telemetry.access.public import is_public, place, port_of, web_parts

TIMEOUT_S = 5.0  # of each wait
WHOLE_S = 10.0  # of all together: who sends a byte every four seconds does not hold a worker
MOST_ANSWER = 64 * 1024
_MOST_LETTERS = 2_000


class Refused(ValueError):
    """An address that nothing is sent to; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: its status, how its text begins, and when it wants the next attempt."""

    status: int
    text: str
    retry_after_s: float | None = None


def check(address: str, *, allowed: Collection[str] = ()) -> SplitResult:
    """The parts of an address that can be posted to: https, or what `allowed` lists as host:port. Raises Refused."""
    try:
        parts = web_parts(address, called="An address", most=_MOST_LETTERS)
    except ValueError as error:
        raise Refused(str(error)) from error
    if parts.scheme == "http" and place(parts.hostname or "", port_of(parts)) not in allowed:
        raise Refused("An address begins with https://; http:// is for what TLOI_ALLOW_PRIVATE_WEBHOOKS lists.")
    return parts


def post(address: str, body: bytes, headers: Mapping[str, str], *, allowed: Collection[str] = ()) -> Answer:
    """Send a body. Raises Refused, and OSError or http.client.HTTPException where it did not come to an answer."""
    parts = check(address, allowed=allowed)
    host, port = parts.hostname or "", port_of(parts)
    is_allowed = place(host, port) in allowed
    connection = http.client.HTTPConnection(host, port)
    with _connected(host, port, is_allowed=is_allowed) as raw, _Deadline(WHOLE_S) as deadline:
        deadline.wire = raw
        try:
            connection.sock = _encrypted(raw, host, deadline) if parts.scheme == "https" else raw
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, {"User-Agent": "TLOI", "Connection": "close", **headers})
            return _answer(connection.getresponse())
        finally:
            connection.close()
            deadline.wire.close()


@contextlib.contextmanager
def _connected(host: str, port: int, *, is_allowed: bool) -> Iterator[socket.socket]:
    """A socket to one of a host's addresses. Raises Refused, OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not is_allowed and not all(is_public(str(address[0])) for *_, address in found):
        raise Refused(f"{host} is not on the open Internet; TLOI_ALLOW_PRIVATE_WEBHOOKS may list {host}:{port}.")
    error: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as raw:
            raw.settimeout(TIMEOUT_S)
            try:
                raw.connect(address)
            except OSError as failure:
                error = failure
                continue
            if not is_allowed and not is_public(str(raw.getpeername()[0])):
                raise Refused(f"{host} led to an address that is not on the open Internet.")
            yield raw
            return
    raise error


class _Deadline:
    """Ends what waits for `wire` after so many seconds, however lively it is; TimeoutError is raised in its place."""

    def __init__(self, seconds: float) -> None:
        self.wire: socket.socket | None = None
        self._seconds, self._is_over = seconds, False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._timer.cancel()
        if self._is_over and isinstance(error, OSError | http.client.HTTPException):
            raise TimeoutError(f"no answer within {self._seconds:.0f} s") from error

    def _end(self) -> None:
        self._is_over = True
        if self.wire is not None:
            with contextlib.suppress(OSError):
                self.wire.shutdown(socket.SHUT_RDWR)


def _encrypted(raw: socket.socket, host: str, deadline: _Deadline) -> ssl.SSLSocket:
    wire = ssl.create_default_context().wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
    deadline.wire = wire
    wire.do_handshake()
    return wire


def _answer(response: http.client.HTTPResponse) -> Answer:
    text = response.read(MOST_ANSWER).decode("utf-8", "replace")
    asked = (response.getheader("Retry-After") or "").strip()
    return Answer(response.status, text[:500], float(asked) if asked.isdigit() and len(asked) < 9 else None)
