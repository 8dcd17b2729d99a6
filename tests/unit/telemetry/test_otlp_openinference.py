"""OpenInference: which kinds of spans count, and what its counts hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from telemetry.contracts import Execution
from telemetry.sources.otlp.dialects import openinference
from telemetry.sources.otlp.records import Span
from tests.spans import ANY_SPAN, NOON, SPAN, TRACE, buckets, call, check_reads_or_refuses, span


def used(kind: Any = "LLM", **others: Any) -> dict[str, Any]:
    return {
        "openinference.span.kind": kind,
        "llm.model_name": "claude-sonnet-4-5",
        "llm.provider": "anthropic",
        "llm.token_count.prompt": 8320,
        "llm.token_count.completion": 50,
        **others,
    }


def test_prompt_holds_cached_tokens_and_completion_holds_reasoning() -> None:
    read = call(
        openinference,
        used(
            **{
                "llm.token_count.prompt_details.cache_read": 8000,
                "llm.token_count.prompt_details.cache_write": 300,
                "llm.token_count.completion_details.reasoning": 12,
            }
        ),
        name="messages.create",
        scope="openinference.instrumentation.anthropic",
    )
    assert buckets(read) == (20, 8000, 0, 0, 300, 50)
    assert (read.reasoning, read.provider, read.model) == (12, "anthropic", "claude-sonnet-4-5")
    assert (read.id, read.aliases) == (f"span:{TRACE}:{SPAN}", ())


def test_an_embedding_counts() -> None:
    attributes = {"openinference.span.kind": "EMBEDDING", "embedding.model_name": "text-embedding-3-small"}
    read = call(openinference, {**attributes, "llm.token_count.prompt": 8})
    assert (buckets(read), read.model) == ((8, 0, 0, 0, 0, 0), "text-embedding-3-small")


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN", "TOOL", "RETRIEVER", "RERANKER", "GUARDRAIL", "EVALUATOR", "agent"])
def test_every_other_kind_repeats_tokens_and_counts_nothing(kind: str) -> None:
    assert openinference.read_span(span(used(kind))) is None


def test_an_agent_at_the_root_of_a_trace_is_an_execution() -> None:
    run = openinference.read_span(span(used("AGENT", **{"agent.name": "planner"}), parent_id="", name="run"))
    assert run == Execution(
        started_at=NOON,
        execution_id=f"trace:{TRACE}",
        action="run",
        execution_time=1.5,
        status="done",
        agent="planner",
    )


def test_counts_without_a_kind_are_a_call() -> None:
    attributes = used()
    del attributes["openinference.span.kind"]
    assert call(openinference, attributes).output == 50


def test_the_cost_and_the_session_are_read() -> None:
    read = call(openinference, used(**{"llm.cost.total": 0.0048, "session.id": "s"}))
    assert (read.cost_usd, read.session_id) == (Decimal("0.0048"), "s")


def test_the_model_that_answered_is_named_before_the_one_that_was_asked_for() -> None:
    attributes = used(**{"llm.request.model_name": "sonnet", "llm.response.model_name": "claude-sonnet-4-5-20250929"})
    assert call(openinference, attributes).model == "claude-sonnet-4-5-20250929"


@given(ANY_SPAN)
def test_whatever_a_span_holds_it_is_read_or_refused(one: Span) -> None:
    check_reads_or_refuses(openinference, one)
