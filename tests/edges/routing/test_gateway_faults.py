"""The sixteen faults of the failover bench, over real HTTP: an answer, or an error that says so; never half an answer
that looks whole. Limits of time are a tenth of the usual ones, so that every run can afford them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from telemetry.models import Call, Project
from tests.gateways import Rungs, ledger, told
from tests.misbehaving import CONTEXT, DOWN, SIXTEEN, WELL, Manner, Misbehaving, Number

LIMITS = {"connect_s": 1, "first_token_s": 1, "silence_s": 1, "whole_s": 1}
WORDS = 60
ASKED: ChatCompletionUserMessageParam = {"role": "user", "content": "say many words"}


@pytest.fixture
def client(rungs: Rungs, caller_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=rungs.openai, api_key=caller_key, max_retries=0) as client:
        yield client


def text(client: openai.OpenAI, *, is_streamed: bool = True, is_held: bool = False) -> str:
    """A whole answer, or what the client's library raises."""
    headers = {"x-tloi-buffer": "1"} if is_held else {}
    if not is_streamed:
        whole = client.chat.completions.create(model="auto", messages=[ASKED], extra_headers=headers)
        return whole.choices[0].message.content or ""
    stream = client.chat.completions.create(model="auto", messages=[ASKED], stream=True, extra_headers=headers)
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def is_whole(said: str) -> bool:
    return len(said.split()) == WORDS


def most_within(asked: Sequence[float], seconds: float) -> int:
    """How many of these moments lie within so many seconds, at most."""
    return max(sum(0 <= other - one < seconds for other in asked) for one in asked)


def moments(*providers: Misbehaving) -> list[float]:
    return sorted(call.at for provider in providers for call in provider.calls)


@pytest.mark.parametrize(
    ("number", "is_streamed"),
    [*((number, True) for number in (1, 2, 3, 4, 5, 6, 7, 16)), *((number, False) for number in (3, 4, 6))],
)
def test_what_fails_before_a_word_was_said_is_answered_all_the_same(
    number: Number, is_streamed: bool, rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    SIXTEEN[number](rungs.first, rungs.second)
    began = time.monotonic()
    assert is_whole(text(client, is_streamed=is_streamed))
    took = time.monotonic() - began
    first, second = rungs.first.calls, rungs.second.calls
    tried = moments(rungs.first, rungs.second)
    assert len(tried) <= 6
    assert most_within(tried, 3) <= 4
    if number in (6, 7):
        assert len(first) == 1, "what was silent once is not waited for again"
        assert took < 8
    if number in (3, 5):
        assert second == []
    if number == 1:
        assert most_within(moments(rungs.first), 1.9) == 1
    calls = ledger(project, len(tried))
    assert [call.tier for call in calls] == ["tier-1"] * len(first) + ["tier-2"] * len(second)
    assert [told(call)["is_final"] for call in calls] == [False] * (len(calls) - 1) + [True]
    assert (calls[-1].output, calls[-1].error_type) == (WORDS, "")
    assert {call.output for call in calls[:-1]} <= {0}
    assert all(call.error_type for call in calls[:-1])


@pytest.mark.parametrize("number", [8, 9])
def test_a_stream_that_breaks_off_ends_with_an_error_that_the_library_raises(
    number: Number, rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    SIXTEEN[number](rungs.first, rungs.second)
    began = time.monotonic()
    with pytest.raises(openai.APIError):
        text(client)
    assert time.monotonic() - began < 10
    assert rungs.second.calls == []
    (call,) = ledger(project, 1)
    assert call.error_type == {8: "cut", 9: "silence"}[number]
    assert call.output == rungs.first.output_tokens
    rungs.first.always(WELL)
    assert is_whole(text(client))


@pytest.mark.parametrize("number", [8, 9, 14])
def test_a_stream_that_breaks_off_before_anything_was_sent_begins_again_with_the_next_tier(
    number: Number, rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    SIXTEEN[number](rungs.first, rungs.second)
    assert is_whole(text(client, is_held=True))
    assert [message["role"] for message in rungs.second.calls[-1].body["messages"]] == ["user"]
    calls = ledger(project, len(rungs.first.calls) + 1)
    assert [told(call)["is_final"] for call in calls] == [False] * len(rungs.first.calls) + [True]


@pytest.mark.parametrize("number", [10, 11])
def test_an_event_that_is_none_and_an_end_that_is_missing_cost_nothing(
    number: Number, rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    SIXTEEN[number](rungs.first, rungs.second)
    began = time.monotonic()
    assert is_whole(text(client))
    assert time.monotonic() - began < 8
    (call,) = ledger(project, 1)
    assert (call.input_uncached, call.output, call.quality) == (rungs.first.input_tokens, WORDS, 0)


def test_a_prompt_that_is_too_long_is_asked_of_no_window_of_the_same_size(rungs: Rungs, client: openai.OpenAI) -> None:
    rungs.first.always(CONTEXT)
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        text(client)
    assert (len(rungs.first.calls), len(rungs.second.calls)) == (1, 0)


def test_what_a_filter_refused_is_not_asked_of_others_and_its_reason_is_told(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    SIXTEEN[13](rungs.first, rungs.second)
    with pytest.raises(openai.BadRequestError, match="triggering our policy") as raised:
        text(client)
    assert raised.value.code == "content_filter"
    assert (len(rungs.first.calls), len(rungs.second.calls)) == (1, 0)
    (call,) = ledger(project, 1)
    assert (call.error_type, call.input_uncached, call.output) == ("content_filter", 0, 0)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_tier_that_is_down_for_a_minute_is_left_out_and_comes_back(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    SIXTEEN[15](rungs.first, rungs.second)
    began = time.monotonic()
    back = None
    while back is None and time.monotonic() - began < 120:
        before = len(rungs.first.calls)
        assert is_whole(text(client))
        if len(rungs.first.calls) > before and rungs.first.calls[-1].status == 200:
            back = time.monotonic() - began
        time.sleep(4)
    assert back is not None
    assert back < 60 + 30
    assert len(rungs.first.calls) < 15, "it was asked again and again while it was down"
    assert Call.objects.filter(project_id=project.pk, error_type="server").count() == len(rungs.first.calls) - 1


def test_where_nobody_answers_the_error_says_what_is_wrong_with_each_tier(rungs: Rungs, client: openai.OpenAI) -> None:
    rungs.first.always(Manner(resets=True))
    rungs.second.always(DOWN)
    with pytest.raises(openai.InternalServerError, match=r"tier 1 \(tier-1\): .+; tier 2 \(tier-2\): .+\.") as caught:
        text(client)
    assert "left out" not in caught.value.message
