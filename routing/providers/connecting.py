"""How a connection to a provider comes about: to addresses on the open Internet only, looked at three times.

A number in place of a name is looked at before anything; what a name leads to is looked at before a socket is opened,
and that very address is connected to; whom the socket is connected to is looked at before a byte of the request, and
so of the key, is written. A listed host:port (`Allowed.private`) is spared.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

from aiohttp import ClientRequest, ClientTimeout, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from routing.providers import addresses
from routing.providers.addresses import Allowed, Forbidden

_KEEP_ALIVE_S = 60.0
_KEEP_NAMES_S = 30


class OpenInternet(AbstractResolver):
    """Answers with the addresses of a name, and refuses a name of which one is not on the open Internet."""

    def __init__(self, allowed: Allowed, inner: AbstractResolver) -> None:
        self._allowed, self._inner = allowed, inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises Forbidden, OSError."""
        found = await self._inner.resolve(host, port, family)
        if not self._allowed.is_private(host, port) and not all(addresses.is_open(one["host"]) for one in found):
            raise Forbidden(f"{host} leads to an address that is not on the open Internet.")
        return found

    async def close(self) -> None:
        """Close what was asked."""
        await self._inner.close()


class Connector(TCPConnector):
    """A pool of connections that were looked at. Make it inside a running loop."""

    def __init__(self, allowed: Allowed, resolver: AbstractResolver | None = None) -> None:
        super().__init__(
            resolver=OpenInternet(allowed, resolver or ThreadedResolver()),
            limit=0,  # slots of tiers are the limit
            ttl_dns_cache=_KEEP_NAMES_S,
            keepalive_timeout=_KEEP_ALIVE_S,
        )
        self._allowed = allowed

    async def connect(self, req: ClientRequest, traces: list[Any], timeout: ClientTimeout) -> Connection:
        """A connection over which the request may be sent. Raises Forbidden, and what aiohttp raises."""
        host, port = req.url.raw_host or "", req.url.port or 0
        if self._allowed.is_private(host, port):
            return await super().connect(req, traces, timeout)
        if _is_number(host) and not addresses.is_open(host):
            raise Forbidden(f"{host} is not on the open Internet.")
        connection = await super().connect(req, traces, timeout)
        transport = connection.transport
        peer = transport.get_extra_info("peername") if transport else None
        if not peer or not addresses.is_open(str(peer[0])):
            connection.close()
            raise Forbidden(f"{host} led to an address that is not on the open Internet.")
        return connection


def _is_number(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
