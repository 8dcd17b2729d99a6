"""LiteLLM's spans: cached tokens that no attribute tells, aliases of models, and the id that its webhook knows too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from telemetry.sources.otlp.dialects import litellm
from telemetry.sources.otlp.records import Span
from tests.litellm_payloads import CALL_ID, RESPONSE_ID, span_attributes
from tests.spans import ANY_SPAN, SPAN, TRACE, buckets, call, check_reads_or_refuses, span


def test_cached_tokens_are_read_from_the_usage_that_the_span_bears_as_text() -> None:
    """opik #5618: without them all of 8,320 tokens are paid as full input."""
    read = call(litellm, span_attributes(), scope="litellm", name="litellm_request")
    assert buckets(read) == (20, 8000, 100, 200, 0, 50)
    assert (read.quality, read.reasoning) == ((), None)


def test_otels_newest_names_are_believed_and_the_text_tells_the_time_to_live() -> None:
    attributes = span_attributes(
        **{"gen_ai.usage.cache_read.input_tokens": 8000, "gen_ai.usage.cache_creation.input_tokens": 300}
    )
    assert buckets(call(litellm, attributes)) == (20, 8000, 100, 200, 0, 50)
    del attributes["metadata.usage_object"]
    assert buckets(call(litellm, attributes)) == (20, 8000, 0, 0, 300, 50)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{}",
        "None",
        "'cached_tokens': ",
        "'cached_tokens': None",
        "'cached_tokens': -5",
        "'cached_tokens': 99999999999999999",
    ],
)
def test_a_text_that_tells_nothing_changes_nothing(said: str) -> None:
    read = call(litellm, span_attributes(**{"metadata.usage_object": said}))
    assert buckets(read) == (8320, 0, 0, 0, 0, 50)


def test_a_usage_written_as_json_is_read_as_well() -> None:
    read = call(litellm, span_attributes(**{"metadata.usage_object": '{"cached_tokens": 8000}'}))
    assert buckets(read) == (320, 8000, 0, 0, 0, 50)


def test_reasoning_is_told_by_the_text_alone() -> None:
    read = call(litellm, span_attributes(**{"metadata.usage_object": "{'reasoning_tokens': 12}"}))
    assert (read.output, read.reasoning) == (50, 12)


def test_litellms_own_id_names_the_call_and_the_response_and_the_span_are_other_names() -> None:
    read = call(litellm, span_attributes())
    assert (read.id, read.aliases) == (CALL_ID, (RESPONSE_ID, f"span:{TRACE}:{SPAN}"))


def test_the_cost_is_litellms_estimate() -> None:
    read = call(litellm, span_attributes())
    assert (read.cost_usd, read.cost_kind) == (Decimal("0.004785"), "client_estimate")
    assert call(litellm, span_attributes(**{"gen_ai.cost.total_cost": 0.0})).cost_usd is None


@pytest.mark.parametrize(
    ("said", "model"),
    [
        ({}, "claude-sonnet-4-5-20250929"),
        ({"gen_ai.response.model": "smart", "litellm.model_group": "smart"}, "claude-sonnet-4-5-20250929"),
        ({"gen_ai.response.model": "smart", "litellm.provider.model": None}, "smart"),
        ({"gen_ai.response.model": "claude-sonnet-4-5", "litellm.model_group": "smart"}, "claude-sonnet-4-5"),
    ],
)
def test_the_model_is_the_one_that_answered_not_the_proxys_alias(said: dict[str, Any], model: str) -> None:
    assert call(litellm, span_attributes(**said)).model == model


def test_behind_the_proxy_the_span_of_the_http_request_is_the_call() -> None:
    read = call(litellm, span_attributes(), scope="litellm", name="Received Proxy Server Request", parent_id="")
    assert read.output == 50


def test_the_name_of_the_virtual_key_is_the_agent() -> None:
    read = call(litellm, span_attributes(**{"metadata.user_api_key_alias": "billing-bot"}))
    assert read.agent == "billing-bot"


def test_the_raw_request_below_counts_nothing() -> None:
    assert litellm.read_span(span(span_attributes(), scope="litellm", name="raw_gen_ai_request")) is None


def test_a_failed_request_without_tokens_counts_nothing() -> None:
    failed = {"litellm.call_id": CALL_ID, "gen_ai.response.id": CALL_ID, "gen_ai.operation.name": "chat"}
    failed |= {"gen_ai.request.model": "gpt-4o", "error.type": "BadRequestError", "metadata.usage_object": "{}"}
    assert litellm.read_span(span(failed, scope="litellm", has_failed=True)) is None


def test_a_tool_of_a_server_counts_nothing() -> None:
    tool = {"gen_ai.operation.name": "execute_tool", "litellm.call_id": CALL_ID, "litellm.cost.total": 0.01}
    assert litellm.read_span(span(tool, scope="litellm")) is None


def test_what_was_said_is_not_kept() -> None:
    assert b"secret" not in msgspec.json.encode(call(litellm, span_attributes()))


@given(ANY_SPAN)
def test_whatever_a_span_holds_it_is_read_or_refused(one: Span) -> None:
    check_reads_or_refuses(litellm, one)
