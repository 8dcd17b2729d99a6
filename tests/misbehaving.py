"""A provider on this machine that speaks OpenAI and Anthropic, counts what it serves, and misbehaves on command.

`with provider() as one:` starts it in a thread of its own; `one.openai` and `one.anthropic` are its base URLs. How it
treats the calls to come is a script: `one.then(Manner(status=500))` for the next call, `one.for_s(60, DOWN)` for a
time that begins with the next call, `one.always(DOWN)` for all that the script does not name. `SIXTEEN` are the faults
of the failover bench, as functions that set up a first and a second tier.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from aiohttp import ClientConnectionResetError, web

from tests import provider_answers as answers
from tests.provider_answers import Body, Said
from tests.serving import served

TEXT = " ".join(f"word{number}" for number in range(60))
_ROUTES = {
    "/chat/completions": "chat",
    "/completions": "completions",
    "/responses": "responses",
    "/embeddings": "embeddings",
    "/messages": "messages",
    "/messages/count_tokens": "count_tokens",
}


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How one call is treated. Untouched it is an answer of 60 tokens, each at once. Counts are of tokens of output."""

    status: int = 200  # else an error, with `code` and `message`
    code: str = ""
    message: str = "as commanded"
    body: bytes | None = None  # in place of whatever the body would be
    headers: Mapping[str, str] = field(default_factory=dict)
    resets: bool = False  # the connection, before the head of an answer
    never_answers: bool = False
    head_after_s: float = 0.0
    first_after_s: float = 0.0  # after the head
    gap_s: float = 0.0  # between two tokens
    dies_after: int | None = None  # the connection closes, without an end
    silent_after: int | None = None
    silent_s: float = 30.0
    bad_event_after: int | None = None  # one event that is not JSON
    error_event_after: int | None = None  # an error inside the stream, as OpenRouter sends one, and its end
    has_done: bool = True  # `data: [DONE]`
    refuses_prefill: bool = False
    text: str = TEXT
    tool: tuple[str, str] | None = None
    more_tools: tuple[tuple[str, str], ...] = ()  # called beside it
    says: str = ""  # before it calls a tool
    finish: str = "stop"
    cached_tokens: int = 0
    cost_usd: Decimal | None = None


WELL = Manner()
DOWN = Manner(status=503, message="down")
CONTEXT = Manner(
    status=400,
    code="context_length_exceeded",
    message="This model's maximum context length is 4096 tokens. However, your messages resulted in 9000 tokens.",
)
FILTER = Manner(
    status=400, code="content_filter", message="The response was filtered due to the prompt triggering our policy."
)
LIMITED = Manner(status=429, code="rate_limit_exceeded", message="Rate limit reached")


@dataclass
class Asked:
    """A call that arrived, and what became of it. Tokens are what the provider would send a bill for."""

    path: str
    protocol: str
    body: Body
    headers: Mapping[str, str]
    at: float  # time.monotonic()
    from_port: int = 0  # of the client: the same for calls over one connection
    status: int = 0
    name: str = ""  # of its answer, where that is in the books
    input_tokens: int = 0
    output_tokens: int = 0
    is_whole: bool = False  # its end was sent too
    has_left: bool = False  # the client hung up before

    @property
    def is_streamed(self) -> bool:
        """Whether a stream was asked for."""
        return bool(self.body.get("stream"))


@dataclass
class Misbehaving:
    """A running provider."""

    port: int = 0
    models: list[str] = field(default_factory=lambda: ["model-a"])
    known: list[str] = field(default_factory=list)  # names of models that are not listed
    calls: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    key: Body = field(default_factory=dict)  # what /key says, as OpenRouter's does
    has_books: bool = False  # /generation tells what a call used, as OpenRouter's does
    _script: deque[Manner | tuple[float, Manner]] = field(default_factory=deque)
    _usual: Manner = WELL
    _until: float | None = None

    @property
    def place(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def openai(self) -> str:
        """The base URL of OpenAI's client libraries."""
        return f"http://{self.place}/v1"

    @property
    def anthropic(self) -> str:
        """The base URL of Anthropic's."""
        return f"http://{self.place}"

    @property
    def input_tokens(self) -> int:
        """All that would be on the bill."""
        return sum(call.input_tokens for call in self.calls)

    @property
    def output_tokens(self) -> int:
        """All that would be on the bill."""
        return sum(call.output_tokens for call in self.calls)

    def then(self, *manners: Manner) -> None:
        """Treat the next calls so, one each."""
        self._script.extend(manners)

    def for_s(self, seconds: float, manner: Manner) -> None:
        """Treat all calls so, for a time that begins with the next one."""
        self._script.append((seconds, manner))

    def always(self, manner: Manner) -> None:
        """Treat every call so of which the script says nothing."""
        self._usual = manner

    def manner(self) -> Manner:
        """How the call that comes now is treated."""
        while self._script:
            one = self._script[0]
            if isinstance(one, Manner):
                self._script.popleft()
                return one
            self._until = self._until or time.monotonic() + one[0]
            if time.monotonic() < self._until:
                return one[1]
            self._script.popleft()
            self._until = None
        return self._usual


Scenario = Callable[[Misbehaving, Misbehaving], None]


@contextlib.contextmanager
def provider(*, port: int = 0) -> Iterator[Misbehaving]:
    """A provider on this machine, at a port of its own or at the one named."""
    box = Misbehaving()

    async def treat(request: web.Request) -> web.StreamResponse:
        return await _Call(box, request).answer()

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{path:.*}", treat)
    with served(app, port=port) as box.port:
        yield box


class _Call:
    """One call while it is answered."""

    def __init__(self, box: Misbehaving, request: web.Request) -> None:
        self._box, self._request = box, request

    async def answer(self) -> web.StreamResponse:
        """What the client gets; a client that leaves is noted, and no more is generated for it."""
        path = self._request.path.removeprefix("/v1").removeprefix("/api/v1")
        if self._request.method == "GET":
            return self._told(path)
        raw = await self._request.read()
        body: Body = json.loads(raw) if raw else {}
        now, peer = time.monotonic(), self._request.transport and self._request.transport.get_extra_info("peername")
        headers, port = dict(self._request.headers), peer[1] if peer else 0
        asked = Asked(self._request.path, _ROUTES.get(path, ""), body, headers, now, port)
        self._box.calls.append(asked)
        self._box.at_once += 1
        self._box.most_at_once = max(self._box.most_at_once, self._box.at_once)
        try:
            return await self._treated(asked, self._box.manner())
        except ClientConnectionResetError:
            asked.has_left = True
            raise
        finally:
            self._box.at_once -= 1

    def _told(self, path: str) -> web.Response:
        if path == "/models":
            data = [{"id": name, "object": "model", "created": 1, "owned_by": "test"} for name in self._box.models]
            return web.json_response({"object": "list", "data": data})
        if path.startswith("/models/") and (name := path.removeprefix("/models/")) in self._box.known:
            return web.json_response({"id": name, "object": "model"})
        if path == "/key" and self._box.key:
            return web.json_response({"data": self._box.key})
        if path == "/generation" and self._box.has_books:
            return self._booked(self._request.query.get("id", ""))
        return web.json_response({"status": "ok"}, status=200 if path == "/health" else 404)

    def _booked(self, name: str) -> web.Response:
        """What a call used; one that goes on is not in the books."""
        for asked in self._box.calls:
            if asked.name == name and (asked.is_whole or asked.has_left):
                used = {"native_tokens_prompt": asked.input_tokens, "native_tokens_completion": asked.output_tokens}
                return web.json_response({"data": {"id": name, **used}})
        return web.json_response({"error": {"message": "Generation not found", "code": 404}}, status=404)

    async def _treated(self, asked: Asked, manner: Manner) -> web.StreamResponse:
        if manner.resets:
            self._hang_up(reset=True)
            raise ClientConnectionResetError
        if manner.never_answers:
            await self._until_left(3600, asked)
        await self._until_left(manner.head_after_s, asked)
        family = "anthropic" if asked.protocol in ("messages", "count_tokens") else "openai"
        last = (asked.body.get("messages") or [{}])[-1]
        if manner.refuses_prefill and last.get("role") == "assistant":
            manner = Manner(status=400, code="invalid_request_error", message="Prefill is not supported")
        if not asked.protocol:
            manner = Manner(status=404, message=f"no such path: {asked.path}")
        asked.status = manner.status
        if manner.status != 200 or manner.body is not None:
            told = answers.error(family, manner.status, code=manner.code, message=manner.message)
            text = json.dumps(told).encode() if manner.body is None else manner.body
            headers = {"Content-Type": "application/json", **manner.headers}
            return web.Response(body=text, status=manner.status, headers=headers)
        if self._box.has_books:
            asked.name = f"gen-{uuid.uuid4().hex[:20]}"
            manner = replace(manner, headers={"X-Generation-Id": asked.name, **manner.headers})
        said = _said(asked, manner)
        if asked.protocol in ("embeddings", "count_tokens"):
            return self._counted(asked, said)
        asked.input_tokens = said.prompt_tokens
        return await (self._stream if asked.is_streamed else self._whole)(asked, manner, said)

    def _counted(self, asked: Asked, said: Said) -> web.Response:
        asked.is_whole = True
        if asked.protocol == "count_tokens":
            return web.json_response({"input_tokens": said.prompt_tokens})
        asked.input_tokens = said.prompt_tokens
        texts = asked.body.get("input", "")
        return web.json_response(answers.embedding(said, len(texts) if isinstance(texts, list) else 1))

    async def _whole(self, asked: Asked, manner: Manner, said: Said) -> web.StreamResponse:
        """Not streamed: the head comes first, then the body; it may break off in the middle."""
        body = json.dumps(answers.whole(said)).encode()
        head = {"Content-Type": "application/json", "Content-Length": str(len(body)), **manner.headers}
        response = web.StreamResponse(headers=head)
        await response.prepare(self._request)
        await self._until_left(manner.first_after_s + manner.gap_s * len(said.pieces), asked)
        asked.output_tokens = len(said.pieces)
        if manner.dies_after is not None or manner.silent_after is not None:
            await response.write(body[: len(body) // 2])
            await self._until_left(manner.silent_s if manner.silent_after is not None else 0, asked)
        if manner.dies_after is not None:
            self._hang_up()
            return response
        await response.write(body[len(body) // 2 :] if manner.silent_after is not None else body)
        asked.is_whole = True
        return response

    async def _stream(self, asked: Asked, manner: Manner, said: Said) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **manner.headers})
        await response.prepare(self._request)
        await self._until_left(manner.first_after_s, asked)
        async for event in self._events(asked, manner, said):
            if event is None:
                self._hang_up()
                return response
            await response.write(event)
        asked.is_whole = manner.error_event_after is None
        return response

    async def _events(self, asked: Asked, manner: Manner, said: Said) -> AsyncIterator[bytes | None]:
        """What is written, piece by piece; None: the connection closes here."""
        with_usage = bool((asked.body.get("stream_options") or {}).get("include_usage"))
        for event, tokens in answers.events(said, with_usage=with_usage):
            if event == b"data: [DONE]\n\n" and not manner.has_done:
                continue
            await self._until_left(manner.gap_s * tokens, asked)
            asked.output_tokens += tokens
            yield event
            if not tokens:
                continue
            if asked.output_tokens == manner.bad_event_after:
                yield b'data: {"choices": [{"delta": {"content": "tr\n\n'
            if asked.output_tokens == manner.error_event_after:
                told = {"code": 502, "message": "Provider disconnected unexpectedly"}
                yield b"data: " + json.dumps({"error": told, "choices": []}).encode() + b"\n\n"
                return
            if asked.output_tokens == manner.silent_after:
                await self._until_left(manner.silent_s, asked)
            if asked.output_tokens == manner.dies_after:
                yield None
                return

    async def _until_left(self, seconds: float, asked: Asked) -> None:
        """Wait, but not for a client that has left."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._request.transport is None or self._request.transport.is_closing():
                asked.has_left = True
                raise ClientConnectionResetError
            await asyncio.sleep(min(left, 0.02))

    def _hang_up(self, *, reset: bool = False) -> None:
        transport = self._request.transport
        if transport is None:
            return
        if reset:
            raw: Any = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()


def _said(asked: Asked, manner: Manner) -> Said:
    body = asked.body
    text = manner.text if manner.tool is None else manner.tool[1]
    words = text.split(" ")
    pieces = [*(f"{word} " for word in words[:-1]), words[-1]] if text else []
    most = body.get("max_tokens") or body.get("max_completion_tokens") or body.get("max_output_tokens")
    is_short = isinstance(most, int) and most < len(pieces)
    counted = answers.prompt_tokens(body)
    return Said(
        protocol=asked.protocol,
        name=asked.name,
        model=str(body.get("model", "")),
        prompt_tokens=counted,
        pieces=tuple(pieces[:most] if is_short else pieces),
        cached_tokens=min(manner.cached_tokens, counted),
        tool=manner.tool,
        more_tools=manner.more_tools,
        says=manner.says,
        finish="length" if is_short else manner.finish,
        cost_usd=manner.cost_usd,
    )


def _dies_and_refuses_prefill(first: Misbehaving, second: Misbehaving) -> None:
    first.always(Manner(dies_after=40))
    second.always(Manner(refuses_prefill=True))


Number = Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
# The sixteen faults of the failover bench, in its order, with its own durations. The first tier misbehaves, the second
# is well but for 14.
SIXTEEN: Mapping[Number, Scenario] = {
    1: lambda first, _: first.for_s(2, Manner(status=429, code="rate_limit_exceeded", headers={"Retry-After": "2"})),
    2: lambda first, _: first.always(LIMITED),
    3: lambda first, _: first.then(Manner(status=500)),
    4: lambda first, _: first.always(DOWN),
    5: lambda first, _: first.then(Manner(resets=True)),
    6: lambda first, _: first.always(Manner(never_answers=True)),
    7: lambda first, _: first.always(Manner(first_after_s=20)),
    8: lambda first, _: first.always(Manner(dies_after=40)),
    9: lambda first, _: first.then(Manner(silent_after=20, silent_s=30)),
    10: lambda first, _: first.always(Manner(bad_event_after=10)),
    11: lambda first, _: first.always(Manner(has_done=False)),
    12: lambda first, _: first.always(CONTEXT),
    13: lambda first, _: first.always(FILTER),
    14: _dies_and_refuses_prefill,
    15: lambda first, _: first.for_s(60, DOWN),
    16: lambda first, _: first.always(DOWN),
}
