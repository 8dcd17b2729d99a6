"""OpenClaw's spans: a request is a call, a run's usage is the totals of an execution, and both share their trace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from telemetry.contracts import Execution
from telemetry.sources.otlp.dialects import openclaw
from telemetry.sources.otlp.records import BadRecord, Span
from tests.spans import ANY_SPAN, NOON, TRACE, buckets, call, check_reads_or_refuses, span

UNIT = "openclaw.model_call.observation_unit"


def used(**others: Any) -> dict[str, Any]:
    return {
        "openclaw.provider": "anthropic",
        "openclaw.model": "claude-sonnet-4-5",
        "openclaw.channel": "telegram",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.system": "anthropic",
        "gen_ai.usage.input_tokens": 8320,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 8000,
        "gen_ai.usage.cache_creation.input_tokens": 300,
        **others,
    }


def test_a_request_is_a_call_whose_input_holds_cached_tokens() -> None:
    attributes = used(**{"gen_ai.operation.name": "chat", UNIT: "request", "openclaw.agent": "main"})
    read = call(openclaw, attributes, scope="openclaw", name="openclaw.model.call")
    assert buckets(read) == (20, 8000, 0, 0, 300, 50)
    assert (read.provider, read.agent, read.quality) == ("anthropic", "main", ("ttl_unknown",))


@pytest.mark.parametrize("parent", ["", "aaaaaaaaaaaaaaaa"])
def test_a_request_belongs_to_the_execution_of_its_trace_wherever_it_stands(parent: str) -> None:
    read = call(openclaw, used(), name="openclaw.model.call", parent_id=parent)
    assert read.execution_id == f"trace:{TRACE}"


@pytest.mark.parametrize("said", [{UNIT: "turn"}, {"gen_ai.operation.name": "invoke_agent"}])
def test_a_turn_of_another_agents_command_line_is_marked(said: dict[str, str]) -> None:
    read = call(openclaw, used(**said), name="openclaw.model.call")
    assert read.quality == ("turn_level", "ttl_unknown")


def test_under_otels_newest_names_the_observation_unit_tells_a_request() -> None:
    attributes = used(**{"gen_ai.operation.name": "chat", UNIT: "request"})
    assert call(openclaw, attributes, name="chat claude-sonnet-4-5").output == 50


def test_the_usage_of_a_run_is_the_totals_of_its_execution() -> None:
    totals = openclaw.read_span(span(used(**{"openclaw.agent": "main"}), scope="openclaw", name="openclaw.model.usage"))
    assert totals == Execution(
        started_at=NOON,
        execution_id=f"trace:{TRACE}",
        model="claude-sonnet-4-5",
        agent="main",
        tokens_input=8320,
        tokens_output=50,
        cache_read=8000,
        cache_write=300,
    )


def test_totals_that_count_less_input_than_was_cached_are_made_whole() -> None:
    attributes = used(**{"gen_ai.usage.input_tokens": 20})
    totals = openclaw.read_span(span(attributes, name="openclaw.model.usage"))
    assert isinstance(totals, Execution)
    assert totals.tokens_input == 8320


def test_totals_beyond_belief_are_refused() -> None:
    attributes = used(**{"gen_ai.usage.input_tokens": 2**52, "gen_ai.usage.cache_read.input_tokens": 2**53})
    with pytest.raises(BadRecord, match="no count"):
        openclaw.read_span(span(attributes, name="openclaw.model.usage"))


def test_a_run_without_tokens_has_no_totals() -> None:
    assert openclaw.read_span(span({"openclaw.model": "m"}, name="openclaw.model.usage")) is None


def test_a_run_at_the_root_of_its_trace_is_an_execution_without_tokens() -> None:
    run = openclaw.read_span(span({"openclaw.outcome": "error"}, name="openclaw.run", parent_id="", has_failed=True))
    assert run == Execution(
        started_at=NOON,
        execution_id=f"trace:{TRACE}",
        action="openclaw.run",
        execution_time=1.5,
        status="failed",
        agent="shop",
    )


@pytest.mark.parametrize("name", ["openclaw.tool.execution", "openclaw.webhook.processed", "openclaw.harness"])
def test_other_spans_count_nothing(name: str) -> None:
    assert openclaw.owns_span(span(used(), name=name))
    assert openclaw.read_span(span(used(), name=name)) is None


@given(ANY_SPAN)
def test_whatever_a_span_holds_it_is_read_or_refused(one: Span) -> None:
    check_reads_or_refuses(openclaw, one)
