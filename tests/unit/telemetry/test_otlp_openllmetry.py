"""OpenLLMetry: 386 recorded responses against what the providers said of them, and its streams from Anthropic."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given

from telemetry.contracts import Execution
from telemetry.sources.otlp.dialects import openllmetry
from telemetry.sources.otlp.records import Span
from tests.recorded_responses import is_streamed_by_anthropic, provided, recorded
from tests.spans import ANY_SPAN, NOON, TRACE, buckets, call, check_reads_or_refuses, span

ANTHROPIC = "opentelemetry.instrumentation.anthropic"
STREAMED = {
    "gen_ai.provider.name": "anthropic",
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "claude-3-5-haiku-20241022",
    "gen_ai.is_streaming": True,
    "gen_ai.usage.input_tokens": 17,
    "gen_ai.usage.output_tokens": 109,
}


@pytest.mark.parametrize(
    "said", [{}, {"gen_ai.is_streaming": None, "llm.is_streaming": "True", "gen_ai.system": "Anthropic"}]
)
def test_a_streamed_call_of_anthropic_is_kept_and_marked_as_too_high(said: dict[str, Any]) -> None:
    read = call(openllmetry, {**STREAMED, **said}, scope=ANTHROPIC)
    assert (read.output, read.quality) == (109, ("output_suspect",))


@pytest.mark.parametrize(
    "said", [{"gen_ai.is_streaming": False}, {"gen_ai.is_streaming": None}, {"gen_ai.provider.name": "openai"}]
)
def test_a_call_that_was_not_streamed_or_is_no_anthropics_is_believed(said: dict[str, Any]) -> None:
    assert call(openllmetry, {**STREAMED, **said}, scope=ANTHROPIC).quality == ()


@pytest.mark.parametrize("kind", ["workflow", "task", "agent", "tool"])
def test_a_workflow_and_its_like_count_nothing_below_another_span(kind: str) -> None:
    attributes = {**STREAMED, "traceloop.span.kind": kind}
    assert openllmetry.read_span(span(attributes)) is None


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "create_agent"])
def test_an_agent_of_otels_own_instrumentations_counts_nothing(operation: str) -> None:
    attributes = {**STREAMED, "gen_ai.operation.name": operation}
    assert openllmetry.read_span(span(attributes, scope="opentelemetry.instrumentation.openai_agents")) is None


def test_a_workflow_at_the_root_of_a_trace_is_an_execution() -> None:
    attributes = {"traceloop.span.kind": "workflow", "traceloop.entity.name": "daily_report"}
    attributes |= {"traceloop.association.properties.session_id": "s-1"}
    run = openllmetry.read_span(span(attributes, parent_id="", name="daily_report.workflow"))
    assert run == Execution(
        started_at=NOON,
        execution_id=f"trace:{TRACE}",
        action="daily_report.workflow",
        execution_time=1.5,
        status="done",
        agent="daily_report",
        session_id="s-1",
    )


def test_a_call_bears_the_session_and_the_entity_that_it_was_made_in() -> None:
    attributes = {**STREAMED, "traceloop.association.properties.session_id": "s-1", "traceloop.entity.name": "writer"}
    read = call(openllmetry, attributes)
    assert (read.session_id, read.agent) == ("s-1", "writer")


def test_names_of_2024_are_read() -> None:
    attributes: dict[str, Any] = {
        "llm.request.type": "chat",
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4",
    }
    attributes |= {"gen_ai.usage.prompt_tokens": 39, "gen_ai.usage.completion_tokens": 160}
    read = call(openllmetry, attributes, scope="opentelemetry.instrumentation.openai.v1")
    assert (buckets(read), read.provider) == ((39, 0, 0, 0, 0, 160), "openai")


@given(ANY_SPAN)
def test_whatever_a_span_holds_it_is_read_or_refused(one: Span) -> None:
    check_reads_or_refuses(openllmetry, one)


@pytest.mark.shared_data
def test_each_recorded_call_equals_what_its_provider_said() -> None:
    compared = [
        (buckets(read), provided(line))
        for line, read in recorded()
        if read is not None and not is_streamed_by_anthropic(line)
    ]
    assert len(compared) == 293
    assert [pair for pair in compared if pair[0] != pair[1]] == []


@pytest.mark.shared_data
def test_the_37_streams_from_anthropic_and_no_others_are_marked_and_too_high_in_output_alone() -> None:
    marked = [(line, read) for line, read in recorded() if read is not None and "output_suspect" in read.quality]
    assert len(marked) == 37
    assert all(is_streamed_by_anthropic(line) for line, _ in marked)
    surplus: Counter[int] = Counter()
    for line, read in marked:
        assert buckets(read)[:-1] == provided(line)[:-1]
        surplus[read.output - provided(line)[-1]] += 1
    assert min(surplus) > 0
    assert max(surplus) <= 8


@pytest.mark.shared_data
def test_the_53_streams_without_usage_and_the_3_calls_that_failed_count_nothing() -> None:
    silent = [line for line, read in recorded() if read is None]
    assert Counter((line["usage"] is None, line["error"] is not None) for line in silent) == {
        (True, False): 53,
        (False, True): 3,
    }


@pytest.mark.shared_data
def test_a_recorded_response_that_was_replayed_is_known_by_its_own_id() -> None:
    calls = [read for _, read in recorded() if read is not None]
    assert len(calls) == 330
    assert {read.id.split("-")[0].split("_")[0] for read in calls if not read.id.startswith("span:")} == {
        "chatcmpl",
        "msg",
        "resp",
    }
    assert sum(read.id.startswith("span:") for read in calls) == 30
