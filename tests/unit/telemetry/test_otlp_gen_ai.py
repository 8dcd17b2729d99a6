"""OTel's conventions for generative AI: every name of the same thing, parents that repeat, ids, costs, providers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from telemetry.contracts import Execution
from telemetry.providers import provider_name
from telemetry.sources.otlp import calls
from telemetry.sources.otlp.dialects import gen_ai
from telemetry.sources.otlp.records import BadRecord, Span
from tests.spans import ANY_SPAN, NOON, RESPONSE, SPAN, TRACE, buckets, call, check_reads_or_refuses, span

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}


def used(inputs: Any = 100, output: Any = 20, **others: Any) -> dict[str, Any]:
    return {**CHAT, "gen_ai.usage.input_tokens": inputs, "gen_ai.usage.output_tokens": output, **others}


def test_input_holds_what_was_read_from_and_written_to_a_cache() -> None:
    read = call(
        gen_ai,
        used(100, 20, **{"gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.cache_write.input_tokens": 30}),
    )
    assert buckets(read) == (10, 60, 0, 0, 30, 20)
    assert read.quality == ("ttl_unknown",)


@pytest.mark.parametrize("name", calls.INPUT)
def test_input_is_read_by_every_name(name: str) -> None:
    assert buckets(call(gen_ai, {**CHAT, name: 7})) == (7, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("name", calls.OUTPUT)
def test_output_is_read_by_every_name(name: str) -> None:
    assert buckets(call(gen_ai, {**CHAT, name: 7})) == (0, 0, 0, 0, 0, 7)


@pytest.mark.parametrize("name", calls.CACHE_READ)
def test_cache_reads_are_read_by_every_name(name: str) -> None:
    assert buckets(call(gen_ai, used(10, 2, **{name: 7}))) == (3, 7, 0, 0, 0, 2)


@pytest.mark.parametrize("name", calls.CACHE_WRITE)
def test_cache_writes_are_read_by_every_name(name: str) -> None:
    assert buckets(call(gen_ai, used(10, 2, **{name: 7}))) == (3, 0, 0, 0, 7, 2)


@pytest.mark.parametrize("name", calls.REASONING)
def test_reasoning_is_read_by_every_name_and_is_a_part_of_output(name: str) -> None:
    read = call(gen_ai, used(10, 20, **{name: 7}))
    assert (read.reasoning, read.output, read.quality) == (7, 20, ())


@pytest.mark.parametrize("name", calls.COST)
def test_a_cost_is_read_by_every_name_in_its_fewest_digits(name: str) -> None:
    read = call(gen_ai, used(**{name: 0.004665000000000001}))
    assert (read.cost_usd, read.cost_kind) == (Decimal("0.004665000000000001"), "client_estimate")


def test_the_newest_name_wins() -> None:
    assert call(gen_ai, used(100, 20, **{"llm.usage.prompt_tokens": 999})).input_uncached == 100


def test_a_source_that_counts_less_input_than_was_cached_is_not_cut_to_zero() -> None:
    read = call(gen_ai, used(86, 5, **{"gen_ai.usage.cache_read.input_tokens": 17_817}))
    assert buckets(read) == (86, 17_817, 0, 0, 0, 5)
    assert read.quality == ("exclusive_input",)


def test_an_inclusive_count_of_the_same_call_is_the_same_call() -> None:
    """langfuse #10592: 35,720 input tokens were shown where 17,903 were used."""
    read = call(gen_ai, used(17_903, 5, **{"gen_ai.usage.cache_read.input_tokens": 17_817}))
    assert buckets(read) == (86, 17_817, 0, 0, 0, 5)


def test_more_reasoning_than_output_proves_that_output_does_not_hold_it() -> None:
    read = call(gen_ai, used(10, 55, **{"gen_ai.usage.reasoning.output_tokens": 120}))
    assert (read.output, read.reasoning, read.quality) == (175, 120, ("output_suspect",))


@pytest.mark.parametrize("said", [5001, "5001", " 5001 ", 5001.0])
def test_a_count_may_be_a_number_or_a_text(said: object) -> None:
    assert call(gen_ai, used(said)).input_uncached == 5001


@pytest.mark.parametrize("said", [float("nan"), "NaN", "", None])
def test_a_count_that_is_not_known_is_not_there(said: object) -> None:
    assert buckets(call(gen_ai, used(said))) == (0, 0, 0, 0, 0, 20)


@pytest.mark.parametrize("said", [-1, 1.5, "many", "--5", True, 2**53 + 1, [3], b"7", float("inf")])
def test_what_is_no_count_is_refused_with_its_name(said: object) -> None:
    with pytest.raises(BadRecord, match=r"gen_ai\.usage\.input_tokens is no count"):
        gen_ai.read_span(span(used(said)))


@pytest.mark.parametrize(
    "operation",
    ["invoke_agent", "create_agent", "invoke_workflow", "agent_step", "plan", "execute_tool", "fetch_response"],
)
def test_a_span_that_repeats_the_tokens_of_others_counts_nothing(operation: str) -> None:
    assert gen_ai.read_span(span(used(**{"gen_ai.operation.name": operation}))) is None


@pytest.mark.parametrize("operation", ["invoke_agent", "invoke_workflow"])
def test_an_agent_at_the_root_of_a_trace_is_an_execution_without_tokens(operation: str) -> None:
    attributes = used(**{"gen_ai.operation.name": operation, "gen_ai.agent.name": "planner", "session.id": "s"})
    run = gen_ai.read_span(span(attributes, parent_id="", name="invoke_agent planner", has_failed=True))
    assert run == Execution(
        started_at=NOON,
        execution_id=f"trace:{TRACE}",
        action="invoke_agent planner",
        execution_time=1.5,
        status="failed",
        agent="planner",
        session_id="s",
    )


def test_a_call_belongs_to_the_execution_of_its_trace_and_one_that_is_the_whole_trace_to_none() -> None:
    assert call(gen_ai, used()).execution_id == f"trace:{TRACE}"
    assert call(gen_ai, used(), parent_id="").execution_id == ""


def test_the_response_names_the_call_and_the_span_is_another_name() -> None:
    read = call(gen_ai, used(**{"gen_ai.response.id": RESPONSE}))
    assert (read.id, read.aliases) == (RESPONSE, (f"span:{TRACE}:{SPAN}",))


@pytest.mark.parametrize("said", ["", "chatcmpl-417", "None", "0" * 20, "x" * 301, "a response with blanks", None, 17])
def test_what_is_no_believable_id_of_one_response_is_none(said: object) -> None:
    read = call(gen_ai, used(**{"gen_ai.response.id": said}))
    assert (read.id, read.aliases) == (f"span:{TRACE}:{SPAN}", ())


def test_the_model_that_answered_is_named_before_the_one_that_was_asked_for() -> None:
    assert call(gen_ai, used()).model == "gpt-4o"
    assert call(gen_ai, used(**{"gen_ai.response.model": "gpt-4o-2024-08-06"})).model == "gpt-4o-2024-08-06"


def test_a_request_to_a_model_that_names_none_is_refused() -> None:
    with pytest.raises(BadRecord, match="tokens without a model"):
        gen_ai.read_span(span({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1}))


def test_tokens_without_model_operation_and_response_are_somebody_elses() -> None:
    assert gen_ai.read_span(span({"gen_ai.usage.input_tokens": 1}, name="agent run")) is None


@pytest.mark.parametrize("failed", [{}, {"error.type": "RateLimitError"}])
def test_a_request_without_tokens_counts_nothing_even_where_it_failed(failed: dict[str, str]) -> None:
    assert gen_ai.read_span(span({**CHAT, **failed}, has_failed=bool(failed))) is None
    assert gen_ai.read_span(span({**used(0, 0), **failed})) is None


def test_a_cost_without_tokens_is_a_call() -> None:
    read = call(gen_ai, {**CHAT, "gen_ai.usage.cost": 0.04})
    assert (buckets(read), read.cost_usd) == ((0, 0, 0, 0, 0, 0), Decimal("0.04"))


def test_openrouters_broadcast_says_what_was_charged() -> None:
    attributes = used(**{"gen_ai.system": "Anthropic", "gen_ai.usage.total_cost": 0.0342, "session.id": "chat-1"})
    attributes |= {"gen_ai.request.model": "anthropic/claude-sonnet-4.5", "gen_ai.response.id": "gen-1757-abcdefgh123"}
    read = call(gen_ai, attributes, scope="openrouter", name="LLM Generation", resource={"service.name": "openrouter"})
    assert (read.provider, read.cost_usd, read.cost_kind) == ("openrouter", Decimal("0.0342"), "provider")
    assert (read.id, read.session_id) == ("gen-1757-abcdefgh123", "chat-1")


def test_who_asked_where_and_how_long_it_took() -> None:
    attributes = used(**{"gen_ai.conversation.id": "c", "gen_ai.response.time_to_first_chunk": 0.25})
    attributes |= {"error.type": "timeout", "openai.response.service_tier": "flex"}
    read = call(gen_ai, attributes, resource={"service.name": "shop", "host.name": "box"})
    assert (read.session_id, read.agent, read.host) == ("c", "shop", "box")
    assert (read.duration_ms, read.ttft_ms, read.error_type, read.service_tier) == (1500, 250, "timeout", "flex")


def test_a_service_that_nobody_named_is_no_agent() -> None:
    assert call(gen_ai, used(), resource={"service.name": "unknown_service:node"}).agent == ""


def test_what_was_said_is_not_kept() -> None:
    secret = "sk-or-what-the-user-said"
    names: tuple[str, ...] = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.headers", "input.value")
    names += ("gen_ai.prompt.0.content", "gen_ai.completion.0.content", "gen_ai.tool.call.arguments", "ai.prompt")
    said = dict.fromkeys((*names, "gen_ai.tool.definitions", "gen_ai.system_instructions"), secret)
    read = call(gen_ai, used(**{**said, "gen_ai.response.finish_reasons": ("stop", "x" * 500)}))
    assert secret.encode() not in msgspec.json.encode(read)
    assert read.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.finish_reasons": ("stop, " + "x" * 500)[:100],
    }


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("OpenAI", "openai"),
        ("openai.chat", "openai"),
        ("xai", "x_ai"),
        ("bedrock_converse", "aws.bedrock"),
        ("amazon-bedrock", "aws.bedrock"),
        ("google.generative-ai", "gcp.gemini"),
        ("google.vertex.chat", "gcp.vertex_ai"),
        ("vertex.anthropic.messages", "gcp.vertex_ai"),
        ("azure-openai.chat", "azure.ai.openai"),
        ("gcp.gemini", "gcp.gemini"),
        ("mistral.chat", "mistral_ai"),
        ("Unknown", ""),
        ("", ""),
        ("house.llama", "house.llama"),
    ],
)
def test_a_provider_gets_otels_name(said: str, name: str) -> None:
    assert provider_name(said) == name


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("gen_ai.response.model", "model"),
        ("gen_ai.provider.name", "provider"),
        ("gen_ai.agent.name", "agent"),
        ("openai.response.service_tier", "service_tier"),
        ("error.type", "error_type"),
        ("gen_ai.conversation.id", "session_id"),
    ],
)
def test_of_spans_that_differ_in_one_text_each_says_its_own(name: str, field: str) -> None:
    for said in ("one", "other", "one", "x" * 500, 7):
        assert getattr(call(gen_ai, used(**{name: said})), field) == str(said)[:200]


def test_of_spans_alike_each_keeps_numbers_of_its_own_kind() -> None:
    name = "gen_ai.request.max_tokens"
    kept = [(call(gen_ai, used(**{name: said})).attributes or {})[name] for said in (1, True, 1.0, 1)]
    assert [repr(said) for said in kept] == ["1", "True", "1.0", "1"]


def test_of_spans_alike_each_has_its_own_program_host_and_end() -> None:
    for program, host in (("shop", "a"), ("bank", "a"), ("bank", "b")) * 2:
        resource = {"service.name": program, "host.name": host}
        read, failed = (call(gen_ai, used(), resource=resource, has_failed=has_failed) for has_failed in (False, True))
        assert (read.agent, read.host, read.error_type, failed.error_type) == (program, host, "", "error")


def test_a_span_that_has_nothing_to_do_with_models_is_not_owned() -> None:
    assert not gen_ai.owns_span(span({"http.request.method": "GET", "db.system": "postgresql"}))


@given(ANY_SPAN)
def test_whatever_a_span_holds_it_is_read_or_refused(one: Span) -> None:
    check_reads_or_refuses(gen_ai, one)
