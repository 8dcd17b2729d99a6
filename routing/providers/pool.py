"""One request over a connection of aiohttp's pool, and the head of its answer.

Aiohttp's session does for every request what none of ours asks for: cookies, proxies, redirects, traces, retries, and a
task that writes the body when the loop comes to it. Its connector and its parser do the rest; what is left out was
about a sixth of what the gateway adds to a first token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import (
    ClientConnectionResetError,
    ClientOSError,
    ClientPayloadError,
    ClientRequest,
    ClientTimeout,
    ConnectionTimeoutError,
    StreamReader,
    TCPConnector,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from routing.contracts import Secret

_ALWAYS = {"User-Agent": "TLOI", "Accept": "*/*", "Accept-Encoding": "identity"}
_MOST_TARGETS = 256
_OK, _SWITCHES = 200, 101


class Answer:
    """The head of an answer. At the end of `content`, its body, the connection goes back to the pool."""

    def __init__(self, connection: Connection, message: RawResponseMessage, content: StreamReader) -> None:
        self.status: int = message.code
        self.headers: Mapping[str, str] = message.headers
        self.content = content
        self._connection = connection
        content.on_eof(connection.release)

    def close(self) -> None:
        """End it. After the end of the body this does nothing."""
        self._connection.close()


class Pool:
    """Connections that are kept. Belongs to one event loop; `close` it there."""

    def __init__(self, connector: TCPConnector) -> None:
        self._connector = connector
        self._targets: dict[str, ClientRequest] = {}

    async def ask(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], timeout: ClientTimeout
    ) -> Answer:
        """Send a request and wait for the head of its answer. Raises ClientError as aiohttp does, and ValueError for an
        address or a header that cannot be sent."""
        target = self._target(url)
        head = _head(method, target.url, headers, body)
        connection = await self._connected(target, timeout)
        try:
            protocol = _written(connection, head, body)
            message, content = await _heard(protocol)
        except BaseException:
            connection.close()
            raise
        return Answer(connection, message, content)

    async def close(self) -> None:
        """Close all connections."""
        await self._connector.close()

    def _target(self, url: str) -> ClientRequest:
        """What a connection is asked for by."""
        found = self._targets.get(url)
        if found is None:
            if len(self._targets) >= _MOST_TARGETS:
                self._targets.clear()
            found = self._targets[url] = ClientRequest("GET", URL(url), loop=asyncio.get_running_loop())
        return found

    async def _connected(self, target: ClientRequest, timeout: ClientTimeout) -> Connection:
        try:
            return await self._connector.connect(target, traces=[], timeout=timeout)
        except TimeoutError:
            raise ConnectionTimeoutError("It took too long to connect.") from None


def _written(connection: Connection, head: memoryview, body: bytes | None) -> ResponseHandler:
    """Who hears the answer, once the request is on its way."""
    protocol = connection.protocol
    transport = None if protocol is None else protocol.transport
    if protocol is None or transport is None or transport.is_closing():
        raise ClientConnectionResetError("It was closed before the request was sent.")
    protocol.set_response_params(read_until_eof=True)
    transport.writelines((head, body) if body else (head,))
    return protocol


async def _heard(protocol: ResponseHandler) -> tuple[RawResponseMessage, StreamReader]:
    """The head of the answer, behind those that say to wait on, and its body."""
    while True:
        try:
            message, content = await protocol.read()
        except HttpProcessingError:
            raise ClientPayloadError("It is no HTTP.") from None
        except OSError as error:
            if isinstance(error, ClientOSError):
                raise
            raise ClientOSError(*error.args) from error
        if message.code == _SWITCHES:
            raise ClientPayloadError("It goes on in another protocol.")
        if message.code >= _OK:
            return message, content


def _head(method: str, url: URL, headers: Mapping[str, str], body: bytes | None) -> memoryview:
    """The head of a request, in a form of which no repr shows the key. Raises ValueError for a header that would be
    more than one line."""
    told = {"Host": url.host_port_subcomponent or "", **_ALWAYS, **headers}
    if body is not None:
        told["Content-Length"] = str(len(body))
    lines = Secret("".join(f"{name}: {value}\r\n" for name, value in told.items()))
    if lines.count("\n") != len(told) or lines.count("\r") != len(told) or "\0" in lines:
        raise ValueError("A header has a line break in it.")
    return memoryview(f"{method} {url.raw_path_qs} HTTP/1.1\r\n{lines}\r\n".encode())
