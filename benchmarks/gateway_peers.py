"""What `bench-gateway` measures against, each in a process of its own: an instant provider, a pass-through that does
nothing but pass, and clients that measure. `python -m benchmarks.gateway_peers NAME ARGUMENTS`.

The provider answers each call at once with 1 KB of words that do not repeat themselves, under an id of its own, as
models do; of a stream, with so many deltas so many milliseconds apart. The
pass-through is aiohttp as its documentation has it: one handler, one session, no key, no ledger, no look at the body.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from itertools import pairwise, repeat
from random import Random

import aiohttp
from aiohttp import web

PATH = "/v1/chat/completions"
SYLLABLES = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu")
TEXT = " ".join("".join(Random(number).choices(SYLLABLES, k=3)) for number in range(115))
ID = "chatcmpl-" + 32 * "0"  # in its place each answer has its own
_TOOLS = [{"type": "function", "function": {"name": "read_file", "parameters": {"type": "object", "properties": {}}}}]
USAGE = {"prompt_tokens": 50, "completion_tokens": 200, "total_tokens": 250}


def _whole() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    said = {"id": ID, "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**said, "choices": [choice], "usage": USAGE}).encode()


def _event(delta: object, *, finish: str | None = None, usage: object = None) -> bytes:
    said: dict[str, object] = {"id": ID, "object": "chat.completion.chunk", "created": 1, "model": "m"}
    said["choices"] = [] if usage else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps(said | ({"usage": usage} if usage else {})).encode() + b"\n\n"


def body(*, is_streamed: bool) -> bytes:
    """A request of about 220 bytes."""
    messages = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "word " * 20}]
    asked = {"model": "auto", "messages": messages, "max_tokens": 200}
    return json.dumps(asked | ({"stream": True} if is_streamed else {})).encode()


def provider(port: int, deltas: int, gap_ms: int) -> None:
    """Serve until killed."""
    whole, piece = _whole(), _event({"content": "word "})
    end = _event({}, finish="stop") + _event({}, usage=USAGE) + b"data: [DONE]\n\n"

    async def answer(request: web.Request) -> web.StreamResponse:
        own = f"chatcmpl-{uuid.uuid4().hex}".encode()
        if b'"stream":true' not in (await request.read()).replace(b" ", b""):
            return web.Response(body=whole.replace(ID.encode(), own), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        began = time.monotonic()
        for number in range(deltas):
            await asyncio.sleep(max(0, began + number * gap_ms / 1000 - time.monotonic()))
            await response.write(piece.replace(ID.encode(), own))
        await response.write(end.replace(ID.encode(), own))
        return response

    _serve(port, answer)


def passing(port: int, upstream: int) -> None:
    """Pass everything on, until killed."""
    address = f"http://127.0.0.1:{upstream}{PATH}"
    session: list[aiohttp.ClientSession] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if not session:
            session.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-provider"}
        async with session[0].post(address, data=await request.read(), headers=headers) as said:
            if said.content_type != "text/event-stream":
                return web.Response(status=said.status, body=await said.read(), content_type=said.content_type)
            response = web.StreamResponse(headers={"Content-Type": said.content_type})
            await response.prepare(request)
            async for chunk in said.content.iter_any():
                await response.write(chunk)
            return response

    _serve(port, answer)


def _serve(port: int, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
    app = web.Application()
    app.router.add_post(PATH, answer)
    app.router.add_get("/healthz", _alive)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


async def _alive(_: web.Request) -> web.Response:
    return web.Response()


async def load(port: int, key: str, count: int, clients: int) -> None:
    """So many calls by so many clients, each on a connection that it keeps. Every answer must be 200."""
    sent = body(is_streamed=False)
    await _loaded(port, key, count, [repeat(sent)] * clients)


async def words(port: int, key: str, count: int, clients: int) -> None:
    """The same, each call with words of its own and temperature 0."""

    def bodies(number: int) -> Iterator[bytes]:
        for place in itertools.count():
            asked = {"role": "user", "content": f"word {number} {place} {time.time_ns()} " + "word " * 15}
            yield json.dumps({"model": "auto", "messages": [asked], "max_tokens": 200, "temperature": 0}).encode()

    await _loaded(port, key, count, [bodies(number) for number in range(clients)])


async def turns(port: int, key: str, count: int, clients: int) -> None:
    """The same by agents, each in a session of its own, that first read four long files, and then talk on: their
    conversation grows by a turn with each call."""

    def bodies(number: int) -> Iterator[bytes]:
        messages: list[object] = [{"role": "user", "content": f"Find out why it fails ({number}, {time.time_ns()})."}]
        for place in itertools.count():
            yield json.dumps({"model": "auto", "messages": messages, "tools": _TOOLS, "max_tokens": 200}).encode()
            if place < 4:
                messages += _read(number, place)
                continue
            messages.append({"role": "assistant", "content": f"It may be {place}."})
            messages.append({"role": "user", "content": f"No, go on with {place}."})

    await _loaded(port, key, count, [bodies(number) for number in range(clients)])


def _read(number: int, step: int) -> list[object]:
    """A call of a tool, and its result of 27 KB."""
    call = {"name": "read_file", "arguments": json.dumps({"path": f"src/f{step}.py"})}
    lines = "\n".join(f"{step}.{at}: says x_{number * at} of {at % 7}" for at in range(1_000))
    return [
        {"role": "assistant", "tool_calls": [{"id": f"c{step}", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": f"c{step}", "content": lines},
    ]


async def _loaded(port: int, key: str, count: int, clients: Sequence[Iterator[bytes]]) -> None:
    left = iter(range(count))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def work(session: aiohttp.ClientSession, bodies: Iterator[bytes]) -> None:
        for _ in left:
            async with session.post(f"http://127.0.0.1:{port}{PATH}", data=next(bodies), headers=headers) as answer:
                said = await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status} {said[:200]!r}")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(work(session, bodies) for bodies in clients))


async def first_tokens(port: int, key: str, count: int) -> None:
    """Print the seconds until the first bytes of so many streams, one after another, as JSON."""
    found = []
    sent = body(is_streamed=True)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            began = time.perf_counter()
            async with session.post(f"http://127.0.0.1:{port}{PATH}", data=sent, headers=headers) as answer:
                await answer.content.readany()
                found.append(time.perf_counter() - began)
                await answer.read()
    print(json.dumps(found))


async def intervals(port: int, key: str, streams: int) -> None:
    """Print of so many streams at once the longest time between two deltas of each, in seconds, as JSON."""
    sent = body(is_streamed=True)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def follow(session: aiohttp.ClientSession, number: int) -> float:
        await asyncio.sleep(number * 1.28 / streams)  # they begin within the time that one takes
        came: list[float] = []
        async with session.post(f"http://127.0.0.1:{port}{PATH}", data=sent, headers=headers) as answer:
            async for chunk in answer.content.iter_any():
                came += [time.monotonic()] * min(chunk.count(b"word"), 1)
        return max(later - sooner for sooner, later in pairwise(came))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        print(json.dumps(await asyncio.gather(*(follow(session, number) for number in range(streams)))))


def main() -> None:
    """One of them."""
    name, *given = sys.argv[1:]
    if name in ("provider", "passing"):
        numbers = tuple(map(int, given))
        provider(*numbers) if name == "provider" else passing(*numbers)
        return
    port, key, *counts = given
    measures: dict[str, Callable[..., Coroutine[None, None, None]]] = {
        "load": load,
        "words": words,
        "turns": turns,
        "first_tokens": first_tokens,
        "intervals": intervals,
    }
    asyncio.run(measures[name](int(port), key, *map(int, counts)))


if __name__ == "__main__":
    main()
