"""What Claude Code, Codex and Gemini CLI mean by their events, spans and counters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call, Execution, MeterReading
from telemetry.sources.otlp import reading
from telemetry.sources.otlp.dialects import claude_code, codex, gemini
from telemetry.sources.otlp.records import BadRecord, Log, Point, Span

AT = datetime(2026, 11, 20, 18, tzinfo=UTC)
REQUEST = {
    "model": "claude-sonnet-4-5",
    "input_tokens": 12,
    "output_tokens": "142",
    "cache_read_tokens": 3400,
    "cache_creation_tokens": 1200,
    "cache_creation_5m_tokens": 1000,
    "cache_creation_1h_tokens": 200,
    "cost_usd": 0.00276519,
    "duration_ms": "500",
    "request_id": "req_1",
    "session.id": "s",
    "prompt.id": "p",
}
COMPLETED = {
    "event.kind": "response.completed",
    "event.timestamp": "2026-11-20T17:58:32.435Z",
    "input_token_count": "5001",
    "output_token_count": "210",
    "cached_token_count": 4096,
    "reasoning_token_count": "64",
    "conversation.id": "c",
    "model": "gpt-5.4",
}
RESPONSE = {
    "model": "gemini-2.5-pro",
    "duration_ms": 123,
    "input_token_count": 901,
    "output_token_count": 55,
    "cached_content_token_count": 512,
    "thoughts_token_count": 120,
    "tool_token_count": 0,
    "total_token_count": 1076,
    "session.id": "s",
    "prompt_id": "p",
    "event.timestamp": "2026-11-20T17:59:18.064Z",
}


def log(name: str, attributes: dict[str, Any], *, service: str = "", scope: str = "") -> Log:
    resource = {"service.name": service, "host.name": "laptop"}
    return Log(resource=resource, scope=scope, name=name, attributes=attributes, trace_id="", span_id="", at=AT)


def span(name: str, attributes: dict[str, Any], *, service: str = "", seconds: float = 1.0) -> Span:
    return Span(
        resource={"service.name": service},
        scope="",
        name=name,
        attributes=attributes,
        trace_id="t",
        span_id="s",
        parent_id="",
        started_at=AT,
        duration_ns=int(seconds * 10**9),
    )


def claude(**changes: Any) -> Call:
    attributes = {name: value for name, value in {**REQUEST, **changes}.items() if value is not None}
    call = claude_code.read_log(log("api_request", attributes, service="claude-code"))
    assert isinstance(call, Call)
    return call


def test_a_request_of_claude_code_leaves_the_cache_out_of_its_input() -> None:
    call = claude()
    assert (call.input_uncached, call.cache_read, call.output) == (12, 3400, 142)
    assert (call.cache_write_5m, call.cache_write_1h, call.cache_write_unknown) == (1000, 200, 0)
    assert (call.id, call.session_id, call.execution_id, call.host) == ("req_1", "s", "claude-code:p", "laptop")
    assert call.cost_usd == Decimal("0.00276519")
    assert call.quality == ()


def test_a_request_began_its_duration_before_it_was_written() -> None:
    assert claude().started_at == AT - timedelta(milliseconds=500)


def test_cache_writes_that_are_not_told_apart_are_said_to_be_so() -> None:
    call = claude(cache_creation_5m_tokens=None, cache_creation_1h_tokens=None)
    assert (call.cache_write_5m, call.cache_write_unknown, call.quality) == (0, 1200, ("ttl_unknown",))


def test_a_request_without_its_id_is_known_by_session_and_number() -> None:
    call = claude(request_id=None, **{"event.sequence": 6})
    assert (call.id, call.quality) == ("claude-code:s:6", ("no_request_id",))


def test_another_provider_and_the_fast_mode_are_kept_apart() -> None:
    call = claude(**{"anthropic.provider": "bedrock", "speed": "fast"})
    assert (call.provider, call.service_tier) == ("aws.bedrock", "fast")


def test_a_prompt_begins_an_execution() -> None:
    prompt = claude_code.read_log(
        log("claude_code.user_prompt", {"prompt.id": "p", "session.id": "s", "prompt": "secret"})
    )
    assert prompt == Execution(execution_id="claude-code:p", started_at=AT, session_id="s", agent="claude-code")


@pytest.mark.parametrize("name", ["tool_result", "api_error", "assistant_response", "subagent_completed", "compaction"])
def test_other_events_count_nothing(name: str) -> None:
    assert claude_code.read_log(log(name, REQUEST)) is None


@pytest.mark.parametrize("bad", [-1, "many", 1.5, 2**60, True])
def test_a_count_that_is_none_is_refused_with_its_name(bad: Any) -> None:
    with pytest.raises(BadRecord, match="output_tokens"):
        claude_code.read_log(log("api_request", {**REQUEST, "output_tokens": bad}))


def test_a_span_of_a_request_is_the_call_of_its_event() -> None:
    call = claude_code.read_span(span("claude_code.llm_request", {**REQUEST, "cache_creation_5m_tokens": None}))
    assert isinstance(call, Call)
    assert (call.id, call.started_at, call.cache_write_unknown) == ("req_1", AT, 1000)
    assert claude_code.read_span(span("claude_code.interaction", REQUEST)) is None
    assert claude_code.read_span(span("claude_code.llm_request", {"model": "m", "success": False})) is None


def test_a_response_of_codex_holds_the_cache_in_its_input() -> None:
    call = codex.read_log(log("codex.sse_event", COMPLETED))
    assert isinstance(call, Call)
    assert (call.input_uncached, call.cache_read, call.output, call.reasoning) == (905, 4096, 210, 64)
    assert call.likeness == "codex:c:5001:4096:210"
    assert call.started_at == datetime(2026, 11, 20, 17, 58, 32, 435_000, tzinfo=UTC)


def test_the_event_of_codex_that_bears_no_counts_counts_nothing() -> None:
    bare = {name: value for name, value in COMPLETED.items() if "token" not in name}
    assert codex.read_log(log("codex.sse_event", bare)) is None
    assert codex.read_log(log("codex.tool_result", COMPLETED)) is None


def test_more_cache_than_input_is_refused() -> None:
    with pytest.raises(BadRecord, match="exceeds"):
        codex.read_log(log("codex.sse_event", {**COMPLETED, "cached_token_count": 6000}))


def test_a_turn_of_codex_is_an_execution_with_totals_and_what_is_inside_counts_nothing() -> None:
    totals = {"input_tokens": 10_003, "cached_input_tokens": 8_192, "output_tokens": 420}
    named = {f"codex.turn.token_usage.{name}": value for name, value in totals.items()}
    turn = codex.read_span(
        span("session_task.turn", {"turn.id": "u", "thread.id": "c", "model": "m", **named}, seconds=0.5)
    )
    assert turn is not None
    assert (turn.execution_id, turn.session_id, turn.execution_time) == ("codex:u", "c", 0.5)
    assert (turn.tokens_input, turn.cache_read, turn.tokens_output) == (10_003, 8_192, 420)
    assert codex.read_span(span("handle_responses", {"gen_ai.usage.input_tokens": 5001})) is None


def test_a_response_of_gemini_leaves_thoughts_out_of_its_output() -> None:
    call = gemini.read_log(log("gemini_cli.api_response", RESPONSE))
    assert call is not None
    assert (call.input_uncached, call.cache_read, call.output, call.reasoning) == (389, 512, 175, 120)
    assert call.likeness == "gemini:s:901:512:55:120"


@pytest.mark.parametrize(("total", "uncached"), [(1076 + 40, 429), (1076, 389)])
def test_tokens_of_tools_are_input_where_the_total_says_so(total: int, uncached: int) -> None:
    attributes = {**RESPONSE, "tool_token_count": 40, "total_token_count": total}
    call = gemini.read_log(log("gemini_cli.api_response", attributes))
    assert call is not None
    assert call.input_uncached == uncached


def test_what_gemini_says_again_counts_nothing() -> None:
    for name in ("gen_ai.client.inference.operation.details", "gemini_cli.api_request", "gemini_cli.api_error"):
        assert gemini.read_log(log(name, {**RESPONSE, "gen_ai.usage.input_tokens": 901})) is None


def test_each_record_goes_to_the_dialect_that_knows_it() -> None:
    heard = reading.read_logs(
        [
            log("api_request", REQUEST, service="claude-code"),
            log("codex.sse_event", COMPLETED, service="codex_exec"),
            log("codex.sse_event", {**COMPLETED, "input_token_count": "-1"}, service="codex_exec"),
            log("gemini_cli.api_response", RESPONSE, service="gemini-cli"),
            log("something", {"input_tokens": 5}, service="somebody"),
        ]
    )
    assert {name: (len(said.calls), len(said.rejected)) for name, said in heard.items()} == {
        "claude-code": (1, 0),
        "codex": (1, 1),
        "gemini": (1, 0),
    }


def point(name: str, attributes: dict[str, Any], value: float = 25.0) -> Point:
    return Point(
        resource={"session.id": "r"},
        scope="",
        name=name,
        attributes=attributes,
        started_at=AT,
        at=AT + timedelta(minutes=1),
        value=value,
        is_delta=True,
    )


@pytest.mark.parametrize(
    ("kind", "bucket"),
    [("input", "input"), ("output", "output"), ("cacheRead", "cache_read"), ("cacheCreation", "cache_write")],
)
def test_a_counter_of_claude_code_is_read_by_its_type(kind: str, bucket: str) -> None:
    found = claude_code.read_point(point("claude_code.token.usage", {"type": kind, "session.id": "s", "model": "m"}))
    assert isinstance(found, MeterReading)
    assert (found.bucket, found.value, found.session_id, found.model) == (bucket, 25, "s", "m")


def test_counters_that_name_no_session_or_count_no_tokens_are_passed_over() -> None:
    assert claude_code.read_point(point("claude_code.token.usage", {"type": "input"})) is None
    assert claude_code.read_point(point("claude_code.cost.usage", {"session.id": "s"})) is None
    assert claude_code.read_point(point("claude_code.token.usage", {"type": "new", "session.id": "s"})) is None
    with pytest.raises(BadRecord):
        claude_code.read_point(point("claude_code.token.usage", {"type": "input", "session.id": "s"}, 0.5))


_VALUE = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers(), max_size=2)
)
_NAMES = st.sampled_from(sorted({*REQUEST, *COMPLETED, *RESPONSE, "turn.id", "type", "cost_usd"}))


@given(attributes=st.dictionaries(_NAMES, _VALUE), value=st.floats())
def test_whatever_attributes_hold_a_dialect_reads_them_or_says_why_not(
    attributes: dict[str, Any], value: float
) -> None:
    logs = [
        log(name, attributes, service=service)
        for name, service in (
            ("api_request", "claude-code"),
            ("user_prompt", "claude-code"),
            ("codex.sse_event", "codex_cli_rs"),
            ("gemini_cli.api_response", "gemini-cli"),
        )
    ]
    spans = [
        span("claude_code.llm_request", attributes),
        span("session_task.turn", attributes, service="codex_exec"),
    ]
    points = [point(f"{agent}.token.usage", attributes, value) for agent in ("claude_code", "gemini_cli")]
    reading.read_logs(logs)
    reading.read_spans(spans)
    reading.read_points(points)
