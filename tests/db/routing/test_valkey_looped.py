"""What an event loop asks Valkey itself: answers to who asked, and a plain error where there is none."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import hiredis
import pytest
import redis
from django.conf import settings

from routing.cache import looped
from routing.cache.lookups import Ask
from routing.cache.looped import LoopClient
from routing.cache.valkey import Valkey

SAYS = "return {KEYS[1], ARGV[1], false, 7}"


def url() -> str:
    return str(settings.CACHE_URL)


async def ready(client: LoopClient) -> None:
    until = time.monotonic() + 10
    while not client.is_ready():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


def with_client(use: Callable[[LoopClient], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        client = LoopClient(url())
        try:
            await ready(client)
            return await use(client)
        finally:
            client.close()

    return asyncio.run(run())


@asynccontextmanager
async def serving(say: bytes | None, *, behind: int = 0) -> AsyncIterator[str]:
    """The address of a server that says OK so many times, and then always the same, or nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = behind
        with suppress(asyncio.CancelledError):  # at the end of the test
            while await reader.read(65536):
                if left or say is not None:
                    writer.write(b"+OK\r\n" if left else say or b"")
                left = max(left - 1, 0)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


def test_many_at_once_each_get_what_a_thread_would_get() -> None:
    async def use(client: LoopClient) -> list[Any]:
        return await asyncio.gather(*(client.ask(Ask(SAYS, (f"k{n}",), (n,))) for n in range(300)))

    found = with_client(use)
    assert found == [[b"k%d" % n, b"%d" % n, None, 7] for n in range(300)]
    assert found[5] == Valkey(url()).ask(Ask(SAYS, ("k5",), (5,)))


def test_any_bytes_come_back_as_they_were() -> None:
    said = bytes(range(256)) * 5_000

    async def use(client: LoopClient) -> Any:
        return await client.ask(Ask("return ARGV[1]", ("k",), (said,)))

    assert with_client(use) == said


def test_a_script_that_valkey_has_forgotten_is_told_again() -> None:
    script = f"return '{uuid.uuid4().hex}'"

    async def use(client: LoopClient) -> None:
        first = await client.ask(Ask(script, ("k",), ()))
        redis.Redis.from_url(url()).script_flush()
        assert await client.ask(Ask(script, ("k",), ())) == first

    with_client(use)


def test_what_valkey_refuses_is_an_error_and_the_next_is_answered() -> None:
    async def use(client: LoopClient) -> Any:
        with pytest.raises(hiredis.ReplyError, match="Unknown"):
            await client.ask(Ask("return redis.call('no_such_command')", ("k",), ()))
        return await client.ask(Ask("return 1", ("k",), ()))

    assert with_client(use) == 1


def test_who_gives_up_leaves_the_others_their_answers() -> None:
    async def use(client: LoopClient) -> Any:
        asked = [asyncio.ensure_future(client.ask(Ask("return ARGV[1]", ("k",), (n,)))) for n in range(3)]
        await asyncio.sleep(0)
        asked[1].cancel()
        return [await asked[0], await asked[2]]

    assert with_client(use) == [b"0", b"2"]


def test_a_loop_that_is_busy_itself_does_not_take_valkey_for_silent() -> None:
    async def use(client: LoopClient) -> Any:
        asked = asyncio.ensure_future(client.ask(Ask("return 1", ("k",), ())))
        await asyncio.sleep(0)
        time.sleep(looped.TIMEOUT_S + 0.2)
        return await asked

    assert with_client(use) == 1


@pytest.mark.parametrize(
    ("say", "error"), [(None, TimeoutError), (b"HTTP/1.1 400 Bad Request\r\n\r\n", OSError), (b"", TimeoutError)]
)
def test_who_is_silent_or_is_no_valkey_is_left(say: bytes | None, error: type[Exception]) -> None:
    async def run() -> None:
        async with serving(say, behind=1) as address:
            client = LoopClient(address)
            await ready(client)
            began = time.monotonic()
            with pytest.raises(error):
                await client.ask(Ask("return 1", ("k",), ()))
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 2
            assert not client.is_ready()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["refuses", "wrong password", "encrypted"])
def test_who_lets_nobody_in_is_never_ready(kind: str) -> None:
    parts = urlsplit(url())
    addresses = {
        "refuses": "redis://127.0.0.1:1/0",
        "wrong password": f"redis://:wrong@{parts.hostname}:{parts.port}/0",
        "encrypted": f"rediss://{parts.hostname}:{parts.port}/0",
    }

    async def run() -> None:
        client = LoopClient(addresses[kind])
        for _ in range(20):
            assert not client.is_ready()
            await asyncio.sleep(0.02)
        with pytest.raises(ConnectionError):
            await client.ask(Ask("return 1", ("k",), ()))
        client.close()

    asyncio.run(run())


def test_after_silence_nobody_asks_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with serving(None, behind=1) as address:
            valkey = Valkey(address)
            loop = asyncio.get_running_loop()
            await ready(valkey._own(loop))
            assert await valkey.ask_from_loop(Ask("return 1", ("k",), ())) is None
            began = time.monotonic()
            assert await valkey.ask_from_loop(Ask("return 1", ("k",), ())) is None
            assert time.monotonic() - began < looped.TIMEOUT_S / 2
            valkey.leave()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.text.count("the cache does not answer") == 1
