"""The provider that tests misbehave with: client libraries read what it serves, and it counts what it served."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.misbehaving import SIXTEEN, Manner, Misbehaving, provider

SAY: Any = [{"role": "user", "content": "Say something."}]


@pytest.fixture
def one() -> Iterator[Misbehaving]:
    """A provider of the test's own."""
    with provider() as box:
        yield box


def openai_client(one: Misbehaving) -> openai.OpenAI:
    return openai.OpenAI(base_url=one.openai, api_key="none", max_retries=0)


def anthropic_client(one: Misbehaving) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=one.anthropic, api_key="none", max_retries=0)


def test_client_libraries_read_its_answers_and_streams(one: Misbehaving) -> None:
    with openai_client(one) as client:
        answer = client.chat.completions.create(model="m", messages=SAY)
        assert answer.usage is not None
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (one.calls[0].input_tokens, 60)
        chunks = client.chat.completions.create(model="m", messages=SAY, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == answer.choices[0].message.content
        assert client.responses.create(model="m", input="Say something.").output_text == text
        assert client.completions.create(model="m", prompt="Say something.").choices[0].text == text
    with anthropic_client(one) as other:
        message = other.messages.create(model="m", messages=SAY, max_tokens=100)
        assert message.content[0].text == text  # type: ignore[union-attr]
        with other.messages.stream(model="m", messages=SAY, max_tokens=7) as stream:
            short = stream.get_final_message()
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 7)
    assert one.output_tokens == 5 * 60 + 7
    assert all(call.is_whole for call in one.calls)


def test_it_dies_in_the_middle_and_counts_what_it_had_said(one: Misbehaving) -> None:
    one.then(Manner(dies_after=40))
    with openai_client(one) as client, pytest.raises((httpx2.HTTPError, openai.APIError)):
        list(client.chat.completions.create(model="m", messages=SAY, stream=True))
    assert (one.output_tokens, one.calls[0].is_whole) == (40, False)


def test_a_client_that_leaves_is_noticed_and_no_more_is_said(one: Misbehaving) -> None:
    one.always(Manner(gap_s=0.01))
    with openai_client(one) as client, client.chat.completions.create(model="m", messages=SAY, stream=True) as stream:
        for _, _chunk in zip(range(10), stream, strict=False):
            pass
    until = time.monotonic() + 5
    while not one.calls[0].has_left and time.monotonic() < until:
        time.sleep(0.01)
    assert one.calls[0].has_left
    assert 8 <= one.output_tokens < 30


def test_a_script_is_followed_call_by_call_then_for_a_time_and_then_it_is_well(one: Misbehaving) -> None:
    one.then(Manner(status=500), Manner(status=429, headers={"Retry-After": "2"}))
    one.for_s(0.2, Manner(status=503))
    with httpx2.Client(base_url=one.openai) as client:

        def status() -> int:
            return client.post("/chat/completions", json={"messages": SAY}).status_code

        assert [status() for _ in range(4)] == [500, 429, 503, 503]
        time.sleep(0.25)
        assert [status() for _ in range(2)] == [200, 200]


def test_it_resets_before_the_head_of_an_answer(one: Misbehaving) -> None:
    one.then(Manner(resets=True))
    line = http.client.HTTPConnection("127.0.0.1", one.port, timeout=5)
    line.request("POST", "/v1/chat/completions", b"{}")
    with pytest.raises(ConnectionResetError):
        line.getresponse()
    line.close()


def test_all_sixteen_faults_can_be_commanded(one: Misbehaving) -> None:
    with provider() as second:
        for scenario in SIXTEEN.values():
            scenario(one, second)
    assert sorted(SIXTEEN) == list(range(1, 17))
