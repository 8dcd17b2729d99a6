"""A call of a provider: one request, the head of an answer, and its pieces, each within its time.

Three waits have limits of their own: for a connection; for the head and the first token, together; and between two
pieces. There is no redirect, no proxy, no cookie, and an end to how long an answer may be. What fails is a `Failed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from types import TracebackType

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientTimeout,
)
from aiohttp.abc import AbstractResolver

from routing.contracts import FaultKind, Limits, Provider, Secret, Tier
from routing.providers.addresses import Allowed, Forbidden, check
from routing.providers.connecting import Connector
from routing.providers.failed import Failed, failed
from routing.providers.pool import Answer, Pool
from routing.wire.sending import Prepared

MOST_BYTES = 32 * 2**20
ANTHROPIC_VERSION = "2023-06-01"
_OURS = frozenset(  # what a caller's headers never set
    {"accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "expect", "host"}
    | {"keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-api-key"}
)
_LATE: Mapping[FaultKind, str] = {
    "no_answer": "The provider did not begin to answer in time.",
    "slow_first_token": "The provider began to answer, but its first token did not come in time.",
    "silence": "The provider fell silent in the middle of its answer.",
}


class Response:
    """An answer as it comes. `close` it, whatever happened: that ends what it still generates."""

    def __init__(self, inner: Answer, limits: Limits, *, secret: str, started: float, is_streamed: bool) -> None:
        self.status = inner.status
        self.headers: Mapping[str, str] = inner.headers
        self._inner, self._limits, self._secret = inner, limits, Secret(secret)
        self._loop = asyncio.get_running_loop()
        self._end = started + (limits.total_s if is_streamed else limits.whole_s)
        self._deadline = min(self._end, started + limits.first_token_s) if is_streamed else self._end
        self._late: FaultKind = "slow_first_token" if is_streamed else "no_answer"
        self._gap: float | None = None  # seconds that each piece has, once the first token is there
        self._is_late = False
        self._received = 0
        self._timer: asyncio.TimerHandle | None = self._loop.call_at(self._deadline, self._look)

    def saw_first_token(self) -> None:
        """From now on each piece has `silence_s`, counted from the one before."""
        self._gap, self._late = self._limits.silence_s, "silence"
        self._deadline = min(self._end, self._loop.time() + self._gap)

    def patience(self, seconds: float) -> None:
        """From now on wait for so many seconds altogether, for instance for the end of an answer that is whole."""
        self._gap, self._late = None, "silence"
        self._deadline = min(self._end, self._loop.time() + seconds)
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._look)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, in pieces of any size. Raises Failed: cut, silence, slow_first_token, no_answer,
        malformed."""
        content, time = self._inner.content, self._loop.time
        try:
            while chunk := await content.readany():
                self._received += len(chunk)
                if self._received > MOST_BYTES:
                    raise failed("malformed", f"The answer is longer than {MOST_BYTES:,} bytes.", status=self.status)
                if self._gap is not None:
                    self._deadline = min(self._end, time() + self._gap)
                yield chunk
        except (ClientError, OSError, EOFError) as error:
            raise self._failure() from error
        if self._is_late:
            raise self._failure()

    async def read(self, most: int = MOST_BYTES) -> bytes:
        """All of the body, or how it begins. Of a refusal without our key, which some providers repeat. Raises as
        `chunks` does."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) >= most:
                break
        if self.status >= 400 and self._secret:
            return bytes(body[:most]).replace(self._secret.encode(), b"[key]")
        return bytes(body[:most])

    def close(self) -> None:
        """End it at once. After the end of the body this keeps the connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._inner.close()

    async def __aenter__(self) -> Response:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def _failure(self) -> Failed:
        if self._is_late:
            return failed(self._late, _LATE[self._late], status=self.status)
        return failed("cut", "The provider's answer broke off.", status=self.status)

    def _look(self) -> None:
        """The timer: where pieces came meanwhile the deadline is a later one, and one timer is enough for all."""
        if self._timer is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
            return
        self._timer, self._is_late = None, True
        self._inner.content.set_exception(TimeoutError())
        self._inner.close()


class Upstream:
    """All providers, over one pool of connections. Belongs to one event loop; `close` it there."""

    def __init__(self, allowed: Allowed, *, resolver: AbstractResolver | None = None) -> None:
        self._allowed, self._resolver = allowed, resolver
        self._pool: Pool | None = None

    async def open(
        self, prepared: Prepared, tier: Tier, *, is_streamed: bool, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a request and wait for the head of its answer, of whatever status. `headers` are the caller's that go
        along. Raises Failed: connect, no_answer, forbidden_address, malformed (a redirect), account (a broken key)."""
        own = {"Content-Type": "application/json", **_opening(tier.provider)}
        passed = {name: value for name, value in (headers or {}).items() if name.lower() not in _OURS}
        return await self._ask(
            "POST",
            tier.provider,
            prepared.path,
            limits=tier.limits,
            is_streamed=is_streamed,
            headers=_merged(passed, own),
            body=prepared.body,
        )

    async def get(self, provider: Provider, path: str, *, limits: Limits) -> Response:
        """The same of what is only looked up, such as the list of models."""
        return await self._ask("GET", provider, path, limits=limits, is_streamed=False, headers=_opening(provider))

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _ask(
        self,
        method: str,
        provider: Provider,
        path: str,
        *,
        limits: Limits,
        is_streamed: bool,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Response:
        started = asyncio.get_running_loop().time()
        first_s = limits.connect_s + (limits.first_token_s if is_streamed else limits.whole_s)
        try:
            url, timeout = _address(provider.base_url, path, self._allowed), _timeout(limits.connect_s)
            async with asyncio.timeout_at(started + first_s):
                inner = await self._connections().ask(method, url, body=body, headers=headers, timeout=timeout)
        except Forbidden as error:
            raise failed("forbidden_address", str(error)) from error
        except ClientConnectionError as error:
            raise failed("connect", _no_connection(provider, error)) from None
        except TimeoutError as error:
            raise failed("no_answer", _LATE["no_answer"]) from error
        except (ClientError, ValueError):  # what aiohttp raises here holds the headers that were sent
            raise failed("malformed", f"{provider.name} gave no answer of HTTP.") from None
        response = Response(inner, limits, secret=provider.secret, started=started, is_streamed=is_streamed)
        if 300 <= inner.status < 400:
            response.close()
            raise failed("malformed", f"{provider.name} answered with a redirect, which is not followed.")
        return response

    def _connections(self) -> Pool:
        if self._pool is None:
            self._pool = Pool(Connector(self._allowed, self._resolver))
        return self._pool


@lru_cache(maxsize=256)
def _address(base_url: str, path: str, allowed: Allowed) -> str:
    """Where a request goes. Raises Forbidden."""
    check(base_url, allowed)
    return base_url.rstrip("/") + path


@lru_cache(maxsize=256)
def _timeout(connect_s: float) -> ClientTimeout:
    return ClientTimeout(total=None, connect=connect_s)


def _opening(provider: Provider) -> dict[str, str]:
    """The headers that open a provider. Raises Failed for a key that no header can hold, without saying it."""
    key = provider.secret
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise failed("account", f"The key of {provider.name} has a space, a line break or a letter outside of ASCII.")
    if provider.family == "anthropic":
        return {"anthropic-version": ANTHROPIC_VERSION} | ({"x-api-key": Secret(key)} if key else {})
    return {"Authorization": Secret(f"Bearer {key}")} if key else {}


def _merged(passed: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A caller's own anthropic-version comes before ours; nothing else of ours is overridden."""
    known = {name.lower() for name in passed}
    return {**passed, **{name: value for name, value in own.items() if name.lower() not in known}}


def _no_connection(provider: Provider, error: ClientConnectionError) -> str:
    if isinstance(error, TimeoutError):
        return f"{provider.name} could not be connected to in time."
    if isinstance(error, ClientConnectorError):
        return f"{provider.name} could not be connected to: {error.os_error.strerror or 'its name leads nowhere'}."
    return f"{provider.name} hung up before it answered."
