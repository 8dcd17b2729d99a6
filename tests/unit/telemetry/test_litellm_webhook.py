"""LiteLLM's webhook: what becomes of one payload."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call
from telemetry.sources import litellm
from telemetry.sources.otlp.dialects import litellm as spans
from tests.litellm_payloads import CALL_ID, RESPONSE_ID, USAGE, payload, span_attributes
from tests.spans import buckets, span


def read(**fields: Any) -> Call:
    call = litellm.read(json.dumps(payload(**fields)).encode())
    assert call is not None
    return call


def test_a_payload_is_a_call() -> None:
    assert read() == Call(
        started_at=datetime(2025, 10, 24, 12, tzinfo=UTC),
        model="claude-sonnet-4-5-20250929",
        id=CALL_ID,
        aliases=(RESPONSE_ID,),
        provider="anthropic",
        input_uncached=20,
        cache_read=8000,
        cache_write_5m=100,
        cache_write_1h=200,
        output=50,
        reasoning=0,
        cost_usd=Decimal("0.004785"),
        duration_ms=1500,
        agent="litellm",
        session_id="sess-1",
        attributes={"call_type": "acompletion", "model_group": "smart"},
    )


def test_the_span_of_the_same_request_bears_the_same_names_and_buckets() -> None:
    told = spans.read_span(span(span_attributes()))
    assert isinstance(told, Call)
    assert {CALL_ID, RESPONSE_ID} <= {told.id, *told.aliases}
    assert (told.id, buckets(told), told.model, told.cost_usd) == (
        read().id,
        buckets(read()),
        read().model,
        read().cost_usd,
    )


def test_writes_without_a_time_to_live_are_of_an_unknown_one() -> None:
    usage = {"cache_creation_input_tokens": 300, "cache_read_input_tokens": 8000}
    call = read(metadata={"usage_object": usage})
    assert (buckets(call), call.quality) == ((20, 8000, 0, 0, 300, 50), ("ttl_unknown",))


def test_input_below_what_was_cached_is_not_cut_to_zero() -> None:
    call = read(prompt_tokens=20)
    assert (buckets(call)[:2], call.quality) == ((20, 8000), ("exclusive_input",))


def test_a_payload_without_details_is_all_input_at_full_price() -> None:
    assert buckets(read(metadata=None)) == (8320, 0, 0, 0, 0, 50)


@pytest.mark.parametrize("hit", [True, "True", "true"])
def test_an_answer_from_litellms_own_cache_is_no_call(hit: object) -> None:
    """langfuse #2112: answers that no provider was asked for were billed."""
    said = payload(cache_hit=hit, id=f"{RESPONSE_ID}_cache_hit1761307200.5", response_cost=0.0)
    assert litellm.read(json.dumps(said).encode()) is None


def test_a_failed_request_without_tokens_is_no_call() -> None:
    said = payload(
        status="failure", prompt_tokens=0, completion_tokens=0, response_cost=0.0, metadata={"usage_object": {}}
    )
    assert litellm.read(json.dumps(said).encode()) is None


def test_a_failed_request_that_used_tokens_is_a_call_with_its_error() -> None:
    assert read(status="failure", error_information={"error_class": "Timeout"}).error_type == "Timeout"
    assert read(status="failure", error_information=None).error_type == "error"


@pytest.mark.parametrize("kind", ["call_mcp_tool", "list_mcp_tools"])
def test_a_tool_of_a_server_is_no_call(kind: str) -> None:
    assert litellm.read(json.dumps(payload(call_type=kind)).encode()) is None


def test_a_picture_costs_without_tokens() -> None:
    call = read(call_type="image_generation", prompt_tokens=0, completion_tokens=0, metadata=None, response_cost=0.04)
    assert (buckets(call), call.cost_usd) == ((0, 0, 0, 0, 0, 0), Decimal("0.04"))


def test_a_cost_that_litellm_does_not_know_is_not_zero() -> None:
    assert read(response_cost=0.0).cost_usd is None


def test_the_time_to_the_first_token_is_that_of_a_stream() -> None:
    assert read(stream=True).ttft_ms == 250
    assert read(stream=False).ttft_ms is None


@pytest.mark.parametrize(
    ("said", "session"),
    [
        ({"session_id": "chosen"}, "chosen"),
        ({"trace_id": "cf1dc584-212c-4258-8c53-a00e8af6ce22"}, ""),
        ({"trace_id": None}, ""),
    ],
)
def test_a_random_trace_is_no_session(said: dict[str, Any], session: str) -> None:
    assert read(**said).session_id == session


def test_the_name_of_the_virtual_key_is_the_agent() -> None:
    assert (
        read(metadata={"user_api_key_alias": "billing-bot", "user_api_key_team_alias": "team"}).agent == "billing-bot"
    )
    assert read(metadata={"user_api_key_alias": None, "user_api_key_team_alias": "team"}).agent == "team"


def test_what_was_said_is_not_kept() -> None:
    assert b"secret" not in msgspec.json.encode(read(end_user="secret@example.org"))


@pytest.mark.parametrize("said", ["half a \ud83d character", float("nan"), float("-inf"), "a NUL \0"])
def test_a_message_that_is_no_json_does_not_cost_the_call(said: object) -> None:
    assert read(messages=[{"content": said}]).output == 50


def test_a_label_that_is_no_text_for_a_database_is_made_one() -> None:
    call = read(metadata={"user_api_key_alias": "a\0b\ud83d" + "x" * 500})
    assert call.agent == ("ab?" + "x" * 500)[:200]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"startTime": None}, "startTime"),
        ({"startTime": "2025-10-24"}, "startTime"),
        ({"startTime": 1e30}, "startTime"),
        ({"prompt_tokens": -1}, "prompt_tokens"),
        ({"completion_tokens": 2**60}, "completion_tokens"),
        ({"response_cost": -0.5}, "response_cost"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"usage_object": {"prompt_tokens_details": 7}}}, "prompt_tokens_details"),
        ({"model": ""}, "without a model"),
        ({"model": "anthropic/"}, "without a model"),
    ],
)
def test_a_payload_that_cannot_be_counted_is_refused_with_the_field(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        litellm.read(json.dumps(payload(**said)).encode())


@pytest.mark.parametrize("item", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff", b'{"startTime":', b"{}"])
def test_what_is_no_payload_is_refused(item: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        litellm.read(item)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CHANGES = st.dictionaries(st.sampled_from(sorted(payload())), JSON, max_size=6)
USAGES = st.dictionaries(st.sampled_from(sorted(USAGE)), JSON, max_size=4)


@given(CHANGES, USAGES)
def test_whatever_a_payload_holds_it_is_read_or_refused(changes: dict[str, Any], usage: dict[str, Any]) -> None:
    said = payload(metadata={"usage_object": {**USAGE, **usage}}) | changes
    try:
        call = litellm.read(json.dumps(said).encode())
    except (ValueError, RecursionError):
        return
    if call is not None:
        assert msgspec.convert(msgspec.to_builtins(call), Call).model
