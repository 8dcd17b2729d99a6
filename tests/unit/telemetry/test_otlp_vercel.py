"""Vercel's AI SDK: which spans repeat others, and on which side each version counts cached tokens."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from telemetry.contracts import Execution
from telemetry.sources.otlp.dialects import vercel
from telemetry.sources.otlp.records import Span
from tests.spans import ANY_SPAN, NOON, SPAN, TRACE, buckets, call, check_reads_or_refuses, span

RAW = {
    "input_tokens": 20,
    "cache_read_input_tokens": 8000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 50,
}


def step(
    operation: Any = "ai.generateText.doGenerate", *, provider: Any = "openai.chat", **others: Any
) -> dict[str, Any]:
    return {
        "ai.operationId": operation,
        "ai.model.id": "m-1",
        "ai.model.provider": provider,
        "gen_ai.system": provider,
        "gen_ai.request.model": "m-1",
        **others,
    }


def told(**metadata: Any) -> dict[str, str]:
    return {"ai.response.providerMetadata": json.dumps(metadata)}


@pytest.mark.parametrize(
    "operation",
    [
        "ai.generateText",
        "ai.streamText",
        "ai.generateObject",
        "ai.streamObject",
        "ai.embed",
        "ai.embedMany",
        "ai.toolCall",
    ],
)
def test_an_outer_function_and_a_tool_count_nothing(operation: str) -> None:
    attributes = step(operation, **{"ai.usage.inputTokens": 100, "ai.usage.outputTokens": 20, "ai.usage.tokens": 100})
    assert vercel.read_span(span(attributes, scope="ai", name=operation)) is None


@pytest.mark.parametrize(
    ("operation", "inputs", "output"),
    [
        ("ai.generateText.doGenerate", "ai.usage.promptTokens", "ai.usage.completionTokens"),
        ("ai.streamText.doStream", "ai.usage.inputTokens", "ai.usage.outputTokens"),
        ("ai.generateObject.doGenerate", "ai.usage.promptTokens", "ai.usage.completionTokens"),
        ("ai.streamObject.doStream", "ai.usage.inputTokens", "ai.usage.outputTokens"),
    ],
)
def test_an_inner_function_is_the_call(operation: str, inputs: str, output: str) -> None:
    read = call(vercel, step(operation, **{inputs: 100, output: 20}), scope="ai", name=operation)
    assert (buckets(read), read.provider, read.model) == ((100, 0, 0, 0, 0, 20), "openai", "m-1")


@pytest.mark.parametrize("operation", ["ai.embed.doEmbed", "ai.embedMany.doEmbed"])
def test_an_inner_embedding_is_the_call(operation: str) -> None:
    read = call(vercel, {"ai.operationId": operation, "ai.model.id": "e-1", "ai.usage.tokens": 8})
    assert (buckets(read), read.model) == ((8, 0, 0, 0, 0, 0), "e-1")


def test_an_outer_function_at_the_root_of_a_trace_is_an_execution() -> None:
    attributes = step("ai.streamText", **{"ai.telemetry.functionId": "chat-route", "ai.usage.inputTokens": 100})
    run = vercel.read_span(span(attributes, scope="ai", name="ai.streamText", parent_id=""))
    assert run == Execution(
        started_at=NOON,
        execution_id=f"trace:{TRACE}",
        action="ai.streamText",
        execution_time=1.5,
        status="done",
        agent="chat-route",
    )


def test_cached_tokens_are_in_the_input_of_most_providers() -> None:
    attributes = step(
        **{"ai.usage.inputTokens": 1150, "ai.usage.cachedInputTokens": 1024, "ai.usage.outputTokens": 307}
    )
    assert buckets(call(vercel, attributes)) == (126, 1024, 0, 0, 0, 307)


def test_version_5_passes_on_what_anthropic_counts() -> None:
    """posthog-js #2829: the same names hold cached tokens in version 6 and do not in version 5."""
    attributes = step(
        "ai.streamText.doStream",
        provider="anthropic.messages",
        **{"ai.usage.inputTokens": 9000, "ai.usage.cachedInputTokens": 8000, "ai.usage.outputTokens": 50},
    )
    read = call(vercel, attributes)
    assert (buckets(read), read.quality) == ((9000, 8000, 0, 0, 0, 50), ())


def test_version_6_counts_cached_tokens_in_the_input_and_tells_them_apart() -> None:
    attributes = step(
        provider="anthropic.messages",
        **{
            "ai.usage.inputTokens": 8320,
            "ai.usage.inputTokenDetails.noCacheTokens": 20,
            "ai.usage.inputTokenDetails.cacheReadTokens": 8000,
            "ai.usage.inputTokenDetails.cacheWriteTokens": 300,
            "ai.usage.cachedInputTokens": 8000,
            "ai.usage.outputTokens": 50,
        },
    )
    assert buckets(call(vercel, attributes)) == (20, 8000, 0, 0, 300, 50)
    assert buckets(call(vercel, {**attributes, **told(anthropic={"usage": RAW})})) == (20, 8000, 100, 200, 0, 50)


@pytest.mark.parametrize("inputs", [20, 8320])
def test_what_anthropic_itself_said_is_believed_where_the_version_cannot_be_told(inputs: int) -> None:
    attributes = step("ai.generateObject.doGenerate", provider="anthropic.messages", **told(anthropic={"usage": RAW}))
    read = call(vercel, {**attributes, "ai.usage.promptTokens": inputs, "ai.usage.completionTokens": 50})
    assert (buckets(read), read.quality) == ((20, 8000, 100, 200, 0, 50), ())


def test_version_4_tells_cached_tokens_in_the_providers_metadata_alone() -> None:
    metadata = {"cacheCreationInputTokens": 300, "cacheReadInputTokens": 8000}
    attributes = step(provider="anthropic.messages", **told(anthropic=metadata))
    read = call(vercel, {**attributes, "ai.usage.promptTokens": 20, "ai.usage.completionTokens": 50})
    assert buckets(read) == (20, 8000, 0, 0, 300, 50)


def test_bedrocks_cache_writes_stand_in_the_providers_metadata() -> None:
    attributes = step(provider="amazon-bedrock", **told(bedrock={"usage": {"cacheWriteInputTokens": 300}}))
    attributes |= {"ai.usage.promptTokens": 20, "ai.usage.cachedInputTokens": 8000, "ai.usage.completionTokens": 50}
    read = call(vercel, attributes)
    assert (buckets(read), read.provider) == ((20, 8000, 0, 0, 300, 50), "aws.bedrock")


def test_what_openrouter_charged_is_the_providers_own_cost() -> None:
    """posthog-js #3615: $0.0342 was billed where $0.1146 was shown."""
    attributes = step(provider="openrouter", **told(openrouter={"usage": {"cost": 0.0342}}))
    read = call(vercel, {**attributes, "ai.usage.promptTokens": 100})
    assert (read.provider, read.cost_usd, read.cost_kind) == ("openrouter", Decimal("0.0342"), "provider")


@pytest.mark.parametrize("said", ["{", "null", "[]", '{"anthropic":{"usage":5}}', "[" * 60_000, "x" * 70_000, 7])
def test_metadata_that_cannot_be_read_is_as_none(said: object) -> None:
    attributes = step(**{"ai.response.providerMetadata": said, "ai.usage.promptTokens": 100})
    assert buckets(call(vercel, attributes)) == (100, 0, 0, 0, 0, 0)


def test_a_response_without_usage_is_not_a_number_and_counts_nothing() -> None:
    attributes = step(**{"ai.usage.promptTokens": float("nan"), "ai.usage.completionTokens": float("nan")})
    assert vercel.read_span(span(attributes)) is None


def test_the_response_names_the_call() -> None:
    attributes = step(**{"ai.response.id": "msg_01XFDUDYJgAACzvnptvVoYEL", "ai.usage.promptTokens": 1})
    read = call(vercel, attributes)
    assert (read.id, read.aliases) == ("msg_01XFDUDYJgAACzvnptvVoYEL", (f"span:{TRACE}:{SPAN}",))


def test_the_time_to_the_first_token_is_rounded_to_milliseconds() -> None:
    assert call(vercel, step(**{"ai.response.msToFirstChunk": 250.6, "ai.usage.promptTokens": 1})).ttft_ms == 251


@pytest.mark.parametrize(("operation", "counts"), [("chat", True), ("invoke_agent", False), ("agent_step", False)])
def test_the_package_otel_speaks_otels_language(operation: str, counts: bool) -> None:
    attributes: dict[str, Any] = {"gen_ai.operation.name": operation, "gen_ai.provider.name": "anthropic"}
    attributes |= {"gen_ai.request.model": "c", "gen_ai.usage.input_tokens": 8320, "gen_ai.usage.output_tokens": 50}
    attributes |= {"gen_ai.usage.cache_read.input_tokens": 8000, "gen_ai.usage.cache_creation.input_tokens": 300}
    if counts:
        assert buckets(call(vercel, attributes, scope="gen_ai")) == (20, 8000, 0, 0, 300, 50)
    else:
        assert vercel.read_span(span(attributes, scope="gen_ai")) is None


@given(ANY_SPAN)
def test_whatever_a_span_holds_it_is_read_or_refused(one: Span) -> None:
    check_reads_or_refuses(vercel, one)
