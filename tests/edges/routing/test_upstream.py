"""A provider is asked within its limits, and whatever it does instead of answering is a fault of the right kind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from traceback import TracebackException
from typing import TypeVar

import pytest

from routing.contracts import Fault, FaultKind, Limits, Provider, Secret, Tier
from routing.providers import http
from routing.providers.addresses import Allowed
from routing.providers.failed import Failed
from routing.providers.http import Upstream
from routing.wire.sending import Prepared
from tests.misbehaving import Manner, Misbehaving, provider
from tloi_site.embedded.ports import free_port

Result = TypeVar("Result")
STREAM = Prepared("/chat/completions", b'{"model":"m","stream":true,"messages":[]}', (), "openai.chat")
WHOLE = Prepared("/chat/completions", b'{"model":"m","messages":[]}', (), "openai.chat")
LONG = Limits(connect_s=20, first_token_s=30, silence_s=30, whole_s=30)  # for what must not fail on a busy machine
SHORT = Limits(connect_s=0.5, first_token_s=0.3, silence_s=0.3, total_s=5, whole_s=0.4)
CANARY = "sk-canary-0123456789abcdef"


@pytest.fixture
def one() -> Iterator[Misbehaving]:
    """A provider of the test's own."""
    with provider() as box:
        yield box


def tier(base_url: str, *, limits: Limits = LONG, family: str = "openai", secret: str = CANARY) -> Tier:
    asked = Provider(id=1, name="local", family=family, base_url=base_url, secret=secret)  # type: ignore[arg-type]
    return Tier(id=1, position=1, name="t", provider=asked, model="m", context_window=4096, limits=limits)


def allowed(*boxes: Misbehaving) -> Allowed:
    return Allowed.of((), [box.place for box in boxes])


def run(work: Callable[[Upstream], Awaitable[Result]], allow: Allowed) -> Result:
    """Do something with an upstream, in a loop of its own."""

    async def inside() -> Result:
        upstream = Upstream(allow)
        try:
            return await work(upstream)
        finally:
            await upstream.close()

    return asyncio.run(inside())


def ask(
    box: Misbehaving,
    prepared: Prepared = STREAM,
    *,
    limits: Limits = LONG,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """The status and body of an answer whose first piece has the first token. Raises Failed."""

    async def work(upstream: Upstream) -> tuple[int, bytes]:
        is_streamed = prepared is STREAM
        open_ = upstream.open(prepared, tier(box.openai, limits=limits), is_streamed=is_streamed, headers=headers)
        async with await open_ as response:
            body = b""
            async for chunk in response.chunks():
                body += chunk
                if b'"content": "word' in chunk:
                    response.saw_first_token()
            return response.status, body

    return run(work, allowed(box))


def fault(box: Misbehaving, prepared: Prepared = STREAM, *, limits: Limits = SHORT) -> tuple[FaultKind, float]:
    """The kind of fault, and after how long it was known."""
    began = time.monotonic()
    with pytest.raises(Failed) as caught:
        ask(box, prepared, limits=limits)
    assert CANARY not in f"{caught.value!r} {caught.value} {caught.value.fault}"
    return caught.value.fault.kind, time.monotonic() - began


def test_an_answer_and_a_stream_come_as_they_were_sent(one: Misbehaving) -> None:
    assert ask(one, WHOLE)[0] == 200
    status, body = ask(one)
    assert (status, body.endswith(b"data: [DONE]\n\n")) == (200, True)
    assert one.calls[0].headers["Authorization"] == f"Bearer {CANARY}"
    assert one.calls[0].headers["Accept-Encoding"] == "identity"


def test_a_refusal_is_an_answer_of_its_status(one: Misbehaving) -> None:
    one.then(Manner(status=429, headers={"Retry-After": "2"}))
    assert ask(one)[0] == 429


@pytest.mark.parametrize(
    ("manner", "kind"),
    [
        (Manner(resets=True), "connect"),
        (Manner(never_answers=True), "no_answer"),
        (Manner(first_after_s=20), "slow_first_token"),
        (Manner(silent_after=20), "silence"),
        (Manner(dies_after=40), "cut"),
        (Manner(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}), "malformed"),
    ],
)
def test_each_way_to_fail_is_told_apart_and_soon(one: Misbehaving, manner: Manner, kind: FaultKind) -> None:
    one.then(manner)
    found, took = fault(one)
    assert found == kind
    assert took < 10


def test_an_answer_that_is_not_streamed_has_one_limit_for_all_of_it(one: Misbehaving) -> None:
    one.then(Manner(first_after_s=20), Manner(head_after_s=20), Manner(dies_after=1))
    assert [fault(one, WHOLE)[0] for _ in range(3)] == ["no_answer", "no_answer", "cut"]


def test_nobody_listens_and_nobody_accepts(one: Misbehaving) -> None:
    nobody = Misbehaving(port=free_port())
    assert fault(nobody)[0] == "connect"


def test_a_stream_that_goes_on_is_not_ended_by_the_limit_between_two_pieces(one: Misbehaving) -> None:
    one.then(Manner(gap_s=0.02))
    assert ask(one, limits=Limits(silence_s=0.8))[1].endswith(b"data: [DONE]\n\n")


def test_a_provider_that_says_something_now_and_then_is_ended_all_the_same(one: Misbehaving) -> None:
    one.then(Manner(gap_s=0.05))
    found, took = fault(one, limits=Limits(silence_s=10, total_s=0.6))
    assert (found, took < 10) == ("silence", True)


def test_patience_is_for_all_that_still_comes(one: Misbehaving) -> None:
    one.then(Manner(gap_s=0.02))

    async def work(upstream: Upstream) -> str:
        async with await upstream.open(STREAM, tier(one.openai), is_streamed=True) as response:
            response.patience(0.2)
            with pytest.raises(Failed) as caught:
                await response.read()
            return caught.value.fault.kind

    assert run(work, allowed(one)) == "silence"


def test_an_answer_without_end_is_left(one: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 1000)
    assert fault(one)[0] == "malformed"


def test_closing_ends_what_is_still_generated(one: Misbehaving) -> None:
    one.then(Manner(gap_s=0.02))

    async def work(upstream: Upstream) -> float:
        response = await upstream.open(STREAM, tier(one.openai), is_streamed=True)
        async for _ in response.chunks():
            break
        began = time.monotonic()
        response.close()
        took = time.monotonic() - began
        until = began + 5
        while not one.calls[0].has_left and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return took

    assert run(work, allowed(one)) < 0.1
    assert one.calls[0].has_left
    assert one.output_tokens < 30


def test_a_callers_headers_go_along_but_never_in_place_of_ours(one: Misbehaving) -> None:
    own = {"anthropic-beta": "tools", "Authorization": "Bearer theirs", "X-API-Key": "theirs", "Cookie": "a=b"}
    ask(one, headers=own | {"Host": "elsewhere", "Content-Length": "1", "Transfer-Encoding": "chunked"})
    got = {name.lower(): value for name, value in one.calls[0].headers.items()}
    assert (got["anthropic-beta"], got["authorization"], got["host"]) == ("tools", f"Bearer {CANARY}", one.place)
    assert "theirs" not in str(got)
    assert not {"cookie", "transfer-encoding"} & set(got)


def test_anthropic_is_opened_by_its_own_header(one: Misbehaving) -> None:
    prepared = Prepared("/v1/messages", b'{"model":"m","messages":[]}', (), "anthropic.messages")

    async def work(upstream: Upstream) -> bytes:
        asked = tier(one.anthropic, family="anthropic")
        async with await upstream.open(prepared, asked, is_streamed=False) as response:
            return await response.read()

    run(work, allowed(one))
    got = {name.lower(): value for name, value in one.calls[0].headers.items()}
    assert (got["x-api-key"], got["anthropic-version"], "authorization" in got) == (CANARY, "2023-06-01", False)


@pytest.mark.parametrize("key", ["sk-canary\r\nX-Evil: 1", "sk canary", "sk-cänary"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_said(one: Misbehaving, key: str) -> None:
    async def work(upstream: Upstream) -> Fault:
        with pytest.raises(Failed) as caught:
            await upstream.open(STREAM, tier(one.openai, secret=key), is_streamed=True)
        return caught.value.fault

    found = run(work, allowed(one))
    assert found.kind == "account"
    assert "canary" not in found.message
    assert one.calls == []


def test_connections_are_kept_for_the_next_call(one: Misbehaving) -> None:
    async def work(upstream: Upstream) -> None:
        for _ in range(5):
            async with await upstream.open(WHOLE, tier(one.openai), is_streamed=False) as response:
                await response.read()

    run(work, allowed(one))
    assert len({call.from_port for call in one.calls}) == 1


def test_a_key_is_in_no_log_no_error_and_no_variable_of_a_traceback(
    one: Misbehaving, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even where the provider repeats it, and a reporter of errors takes every variable along."""
    caplog.set_level("DEBUG")
    one.then(Manner(resets=True), Manner(status=302), Manner(dies_after=3), Manner(never_answers=True))
    one.then(Manner(status=401, message=f"Incorrect API key provided: {CANARY}"))
    asked, patient = (tier(one.openai, limits=limits, secret=Secret(CANARY)) for limits in (SHORT, LONG))
    told = []

    async def work(upstream: Upstream) -> bytes:
        for _ in range(4):
            try:
                async with await upstream.open(STREAM, asked, is_streamed=True) as response:
                    await response.read()
            except Failed as error:
                told.append("".join(TracebackException.from_exception(error, capture_locals=True).format()))
        async with await upstream.open(STREAM, patient, is_streamed=True) as response:
            told.append(repr(vars(response)))
            return await response.read()

    refusal = run(work, allowed(one))
    assert b"Incorrect API key provided: [key]" in refusal
    assert len(told) == 5
    assert "asked = Tier(" in told[0]  # so the variables were taken along
    assert "canary" not in f"{told}{caplog.text}"
