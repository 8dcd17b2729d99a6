"""The client libraries of OpenAI and Anthropic, unchanged, through the gateway to a provider of either family."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest
from pytest_django import DjangoDbBlocker

from telemetry.models import Project
from tests.gateways import Rungs, ledger, serving
from tests.ladders import ladder
from tests.misbehaving import CONTEXT, FILTER, WELL, Manner, provider

TIERS = ["tier:1", "tier:2"]  # of OpenAI's family, of Anthropic's
CALLING = Manner(tool=("look", '{"at": 1}'))
SCHEMA: dict[str, object] = {"type": "object", "properties": {"at": {"type": "integer"}}}


@pytest.fixture(scope="module")
def mixed(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rungs]:
    """A gateway before a provider of each family, for all tests of this file."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with (
        django_db_blocker.unblock(),
        provider() as first,
        provider() as second,
        ladder(first.openai, second.anthropic),
        serving(folder, first.place, second.place) as (address, resources),
    ):
        yield Rungs(address, first, second, resources, folder)


@pytest.fixture
def well(mixed: Rungs) -> Iterator[Rungs]:
    """The same, and whatever a test commands is over after it."""
    yield mixed
    for one in (mixed.first, mixed.second):
        one.always(WELL)
        one.calls.clear()


@pytest.fixture
def of_openai(well: Rungs, caller_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=well.openai, api_key=caller_key, max_retries=0) as client:
        yield client


@pytest.fixture
def of_anthropic(well: Rungs, caller_key: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=well.address, api_key=caller_key, max_retries=0) as client:
        yield client


def command(rungs: Rungs, manner: Manner) -> None:
    """Both providers treat what comes so."""
    rungs.first.always(manner)
    rungs.second.always(manner)


def billed(rungs: Rungs) -> list[tuple[int, int]]:
    """Input and output of each call, as the providers count them."""
    return sorted((call.input_tokens, call.output_tokens) for call in (*rungs.first.calls, *rungs.second.calls))


@pytest.mark.parametrize("tier", TIERS)
def test_a_chat_and_its_stream_call_tools_and_cost_what_the_provider_counts(
    well: Rungs, of_openai: openai.OpenAI, project: Project, tier: str
) -> None:
    command(well, CALLING)
    with of_openai.chat.completions.stream(
        model=tier, messages=[{"role": "user", "content": "hello"}], stream_options={"include_usage": True}
    ) as stream:
        streamed = stream.until_done().get_final_completion()
    whole = of_openai.chat.completions.create(
        model=tier,
        messages=[{"role": "user", "content": "hello"}],
        tools=[{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
    )
    for chat in (whole, streamed):
        assert chat.choices[0].finish_reason == "tool_calls"
        assert chat.choices[0].message.tool_calls is not None
        (call,) = chat.choices[0].message.tool_calls
        assert call.type == "function"
        assert (call.function.name, call.function.arguments.replace(" ", "")) == ("look", '{"at":1}')
        assert chat.usage is not None
        assert chat.usage.completion_tokens == 2
    calls = ledger(project, 2)
    assert sorted((call.input_uncached, call.output) for call in calls) == billed(well)


@pytest.mark.parametrize("tier", TIERS)
def test_a_message_and_its_stream_say_the_same_and_cost_what_the_provider_counts(
    well: Rungs, of_anthropic: anthropic.Anthropic, project: Project, tier: str
) -> None:
    asked: list[anthropic.types.MessageParam] = [{"role": "user", "content": "say many words"}]
    whole = of_anthropic.messages.create(model=tier, max_tokens=100, system="You are.", messages=asked)
    with of_anthropic.messages.stream(model=tier, max_tokens=100, messages=asked) as stream:
        text = "".join(stream.text_stream)
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        (block,) = message.content
        assert block.type == "text"
        assert (block.text, message.stop_reason, message.usage.output_tokens) == (text, "end_turn", 60)
    assert text.endswith("word59")
    assert sorted((call.input_uncached, call.output) for call in ledger(project, 2)) == billed(well)


@pytest.mark.parametrize("tier", TIERS)
def test_a_response_and_its_stream_say_the_same(
    well: Rungs, of_openai: openai.OpenAI, project: Project, tier: str
) -> None:
    whole = of_openai.responses.create(model=tier, input="say many words", instructions="You are.")
    with of_openai.responses.stream(model=tier, input="say many words") as stream:
        streamed = stream.until_done().get_final_response()
    assert whole.output_text == streamed.output_text
    assert whole.output_text.endswith("word59")
    assert [response.usage.output_tokens for response in (whole, streamed) if response.usage] == [60, 60]
    assert sorted((call.input_uncached, call.output) for call in ledger(project, 2)) == billed(well)


def test_completions_and_embeddings_reach_a_provider_of_openais_family_and_no_other(of_openai: openai.OpenAI) -> None:
    completion = of_openai.completions.create(model="tier:1", prompt="once", max_tokens=5)
    pieces = of_openai.completions.create(model="tier:1", prompt="once", max_tokens=5, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == completion.choices[0].text
    assert completion.choices[0].finish_reason == "length"
    embeddings = of_openai.embeddings.create(model="tier:1", input=["a", "b"], encoding_format="float")
    assert [one.embedding for one in embeddings.data] == [[0.1, 0.2, 0.3]] * 2
    with pytest.raises(openai.APIStatusError, match=r"openai\.completions"):
        of_openai.completions.create(model="tier:2", prompt="once")


def test_tokens_are_counted_by_who_can(well: Rungs, of_anthropic: anthropic.Anthropic) -> None:
    asked: list[anthropic.types.MessageParam] = [{"role": "user", "content": "say many words"}]
    ours = of_anthropic.messages.count_tokens(model="auto", messages=asked)
    assert not well.first.calls
    assert not well.second.calls
    theirs = of_anthropic.messages.count_tokens(model="tier:2", messages=asked)
    assert [call.protocol for call in well.second.calls] == ["count_tokens"]
    assert abs(ours.input_tokens - theirs.input_tokens) < 40


def test_both_libraries_list_the_tiers(of_openai: openai.OpenAI, of_anthropic: anthropic.Anthropic) -> None:
    names = {"auto", "tier:1", "tier:2", "model-1", "model-2"}
    assert {model.id for model in of_openai.models.list()} == names
    assert {model.id for model in of_anthropic.models.list()} == names


@pytest.mark.parametrize("tier", TIERS)
def test_a_refusal_raises_what_each_library_has_for_it_with_the_providers_reason(
    well: Rungs, of_openai: openai.OpenAI, of_anthropic: anthropic.Anthropic, tier: str
) -> None:
    command(well, FILTER)
    with pytest.raises(openai.BadRequestError, match="triggering our policy"):
        of_openai.chat.completions.create(model=tier, messages=[{"role": "user", "content": "x"}])
    with pytest.raises(anthropic.BadRequestError, match="triggering our policy"):
        of_anthropic.messages.create(model=tier, max_tokens=9, messages=[{"role": "user", "content": "x"}])
    command(well, CONTEXT)
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        of_openai.chat.completions.create(model=tier, messages=[{"role": "user", "content": "x"}], stream=True)


def test_a_mistake_and_a_strange_key_raise_what_each_library_has_for_them(
    well: Rungs, of_openai: openai.OpenAI, of_anthropic: anthropic.Anthropic
) -> None:
    with pytest.raises(openai.BadRequestError, match="at least one message") as raised:
        of_openai.chat.completions.create(model="auto", messages=[])
    assert raised.value.param == "messages"
    with pytest.raises(anthropic.BadRequestError, match="at least one message"):
        of_anthropic.messages.create(model="auto", max_tokens=9, messages=[])
    with pytest.raises(openai.AuthenticationError):
        of_openai.with_options(api_key="tloi_strange").models.list()
    with pytest.raises(anthropic.AuthenticationError):
        of_anthropic.with_options(api_key="tloi_strange").models.list()


@pytest.mark.parametrize("tier", TIERS)
def test_a_stream_that_breaks_raises_after_what_came(
    well: Rungs, of_openai: openai.OpenAI, of_anthropic: anthropic.Anthropic, tier: str
) -> None:
    command(well, Manner(dies_after=40))
    chunks = of_openai.chat.completions.create(model=tier, messages=[{"role": "user", "content": "x"}], stream=True)
    said = (chunk.choices[0].delta.content for chunk in chunks)
    assert next(text for text in said if text and text.startswith("word39"))
    with pytest.raises(openai.APIError):
        list(chunks)
    with (
        pytest.raises(anthropic.APIStatusError),
        of_anthropic.messages.stream(model=tier, max_tokens=99, messages=[{"role": "user", "content": "x"}]) as stream,
    ):
        stream.until_done()
