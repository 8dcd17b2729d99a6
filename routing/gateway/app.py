"""The gateway as an ASGI application: paths to protocols, bodies to exchanges, answers and refusals to HTTP.

A plain callable: a framework would cost more than all stages together, and a model call needs nothing of one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from routing.contracts import Protocol
from routing.gateway import pipeline
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.heads import failed_heads, heads, remembered_heads
from routing.gateway.listing import listing
from routing.gateway.resources import Resources
from routing.gateway.stages.identify import holder_of
from routing.wire.errors import error_body, error_event

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_BYTES = 32 * 2**20  # of a body: pictures are sent inside it
BODY_S = 60.0  # for a body to come
MOST_AT_ONCE = 1_000  # exchanges
WATCH_AFTER_S = 0.05  # of an exchange, from when it matters that its client may leave
CALLS: Mapping[str, Protocol] = {
    "/v1/chat/completions": "openai.chat",
    "/v1/completions": "openai.completions",
    "/v1/responses": "openai.responses",
    "/v1/embeddings": "openai.embeddings",
    "/v1/messages": "anthropic.messages",
    "/v1/messages/count_tokens": "anthropic.count_tokens",
}
JSON, EVENTS = b"application/json", b"text/event-stream"
_log = logging.getLogger(__name__)


class Gateway:
    """`start` makes what requests share, in the loop that they run in; `None` until then."""

    def __init__(self, start: Callable[[], Awaitable[Resources]]) -> None:
        self._start = start
        self._resources: Resources | None = None
        self._running = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._resources = await self._start()
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._resources is not None:
                    await self._resources.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        protocol = CALLS.get(path)
        resources, headers = self._resources, dict(scope["headers"])
        try:
            if resources is None:
                await _refuse(send, Refusal(503, "starting", "It is starting.", retry_after_s=1), "openai.chat", {})
            elif protocol is not None and method == "POST":
                client = HttpClient(receive, send)
                with resources.serving(client):
                    await self._call(protocol, resources, headers, client)
            else:
                await _tell(method, path, resources, headers, send)
        except Refusal as refusal:
            await _refuse(send, refusal, protocol or "openai.chat", {})

    async def _call(
        self, protocol: Protocol, resources: Resources, headers: Mapping[bytes, bytes], client: HttpClient
    ) -> None:
        if self._running >= MOST_AT_ONCE or resources.is_stopping:
            raise Refusal(503, "overloaded", "Too many calls are running; try again.", retry_after_s=1)
        body = await client.body(headers)
        self._running += 1
        exchange = Exchange(protocol=protocol, headers=headers, body=body, client=client)
        watching = asyncio.get_running_loop().call_later(WATCH_AFTER_S, client.watch)
        try:
            await pipeline.run(exchange, resources)
            await _give(exchange, resources, client)
        except Refusal as refusal:
            if client.is_open:
                await client.write(error_event(protocol, refusal.code, refusal.message, status=refusal.status))
                await client.end()
            else:
                await _refuse(client.send, refusal, protocol, failed_heads(exchange))
        except BaseException:
            if client.is_open:  # what has begun must not look as if it were whole
                await client.write(error_event(protocol, "internal", "The gateway failed.", status=500))
                await client.end()
            raise
        finally:
            self._running -= 1
            watching.cancel()
            client.close()


async def _tell(method: str, path: str, resources: Resources, headers: Mapping[bytes, bytes], send: Send) -> None:
    """Answer what is asked of the gateway itself. Raises Refusal."""
    name = path.removeprefix("/v1/models")
    if method not in ("GET", "HEAD") or path in CALLS:
        raise _unknown(method, path)
    if path == "/healthz":
        await _send(send, 200, b'{"status": "ok"}', {})
    elif path == "/readyz":
        trouble = await resources.trouble()
        body = msgspec.json.encode({"status": trouble or "ready"})
        await _send(send, 503 if trouble else 200, body, {"retry-after": "2"} if trouble else {})
    elif name != path and name[:1] in ("", "/"):
        await holder_of(headers, resources)
        await _send(send, 200, listing((await resources.rosters.current()).tiers, name[1:]), {})
    else:
        raise _unknown(method, path)


class HttpClient:
    """The client of an exchange, over ASGI."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self.send = receive, send
        self._watching: asyncio.Task[None] | None = None
        self._leaving: Callable[[], object] | None = None
        self.is_gone = False
        self.is_open = False

    async def body(self, headers: Mapping[bytes, bytes]) -> bytes:
        """The whole body of a request. Raises Refusal."""
        if headers.get(b"content-encoding", b"identity") not in (b"identity", b""):
            raise Refusal(415, "unsupported_encoding", "Send the body as it is, without Content-Encoding.")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MOST_BYTES:
            raise Refusal(413, "too_large", f"A body may have {MOST_BYTES:,} bytes.")
        message = await self._receive()
        if not message.get("more_body"):
            return bytes(message.get("body", b""))
        parts, size = [message["body"]], len(message["body"])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BODY_S):
                while message.get("more_body"):
                    message = await self._receive()
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > MOST_BYTES:
                        raise Refusal(413, "too_large", f"A body may have {MOST_BYTES:,} bytes.")
                return b"".join(parts)
        raise Refusal(408, "slow_body", f"The body did not come within {BODY_S:.0f} s.")

    def watch(self) -> None:
        """Begin to notice that the client leaves."""
        self._watching = asyncio.create_task(self._watch())

    def on_leaving(self, call: Callable[[], object] | None) -> None:
        """What to do as soon as the client leaves, or now where it has left; None: nothing."""
        self._leaving = call
        if call is not None and self.is_gone:
            call()

    async def open(self, headers: Mapping[str, str]) -> None:
        """Begin a streamed answer."""
        self.is_open = True
        await self.send(_head(200, EVENTS, {"cache-control": "no-cache", "x-accel-buffering": "no", **headers}))

    async def write(self, piece: bytes) -> None:
        """Send a piece of it."""
        if not self.is_gone:
            await self.send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        """End it."""
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    def leave(self) -> None:
        """Do what is to be done when the client leaves."""
        if self._leaving is not None:
            self._leaving()

    def close(self) -> None:
        """Watch no more."""
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        self.leave()


async def _give(exchange: Exchange, resources: Resources, client: HttpClient) -> None:
    """Send an answer, or the end of one that was sent while it came."""
    if client.is_open:
        await client.end()
        return
    if exchange.told is not None:
        await _send(client.send, 200, exchange.told, {"x-tloi-request-id": exchange.id})
        return
    if client.is_gone:
        return
    kind = EVENTS if exchange.is_streamed else JSON
    if (kept := exchange.remembered) is not None:
        await _send(client.send, 200, kept.body, remembered_heads(exchange, kept), kind=kind)
        return
    answer = exchange.answer
    if answer is None:
        return
    told = heads(exchange, answer.trying, cost_nanousd=resources.cost(exchange, answer))
    await _send(client.send, 200, answer.outcome.body, told, kind=kind)


async def _refuse(send: Send, refusal: Refusal, protocol: Protocol, told: Mapping[str, str]) -> None:
    headers = dict(told)
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(refusal.retry_after_s)))
    if refusal.code == "budget_exceeded":
        headers["x-should-retry"] = "false"  # else both client libraries ask twice more
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = error_body(protocol, refusal.status, refusal.code, refusal.message, **refusal.extra)
    await _send(send, refusal.status, body, headers)


async def _send(send: Send, status: int, body: bytes, headers: Mapping[str, str], *, kind: bytes = JSON) -> None:
    await send(_head(status, kind, {"content-length": str(len(body)), **headers}))
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _head(status: int, kind: bytes, headers: Mapping[str, str]) -> Message:
    told = [(b"content-type", kind), *((name.encode(), value.encode("latin-1")) for name, value in headers.items())]
    return {"type": "http.response.start", "status": status, "headers": told}


def _unknown(method: str, path: str) -> Refusal:
    if path in CALLS:
        return Refusal(405, "method_not_allowed", f"{path} takes POST.")
    return Refusal(404, "not_found", f"There is no {method} {path[:100]} here; docs/gateway.md lists the paths.")
