"""Claude Code's transcripts: what a line is worth, and which lines are one response."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from telemetry.contracts import Call
from telemetry.sources import Reading
from telemetry.sources.claude_code import folders, read, reading_order
from tests.transcripts import SESSION, assistant, tool_result, user


def reading(*lines: bytes, file_name: str = f"{SESSION}.jsonl", state: dict[str, Any] | None = None) -> Reading:
    """What `lines` say."""
    return read(lines, file_name=file_name, host="laptop", state=state or {})


def only_call(*lines: bytes, file_name: str = f"{SESSION}.jsonl") -> Call:
    """The one call of `lines`."""
    (call,) = reading(*lines, file_name=file_name).calls
    return call


def test_a_line_with_usage_becomes_a_call_in_five_disjoint_buckets() -> None:
    call = only_call(assistant(output=120, counts={"output_tokens_details": {"thinking_tokens": 20}}))
    assert (call.input_uncached, call.cache_read, call.cache_write_5m, call.cache_write_1h) == (10, 1_000, 200, 50)
    assert (call.cache_write_unknown, call.output, call.reasoning) == (0, 120, 20)
    assert (call.id, call.model, call.provider) == ("req_1", "claude-sonnet-4-5-20250929", "anthropic")
    assert (call.agent, call.host, call.session_id, call.subagent_id) == ("claude-code", "laptop", SESSION, "")
    assert call.started_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert call.service_tier == "standard"
    assert call.attributes == {"cwd": "/home/ana/shop", "gitBranch": "main", "version": "2.1.42"}
    assert call.quality == ()


def test_a_response_on_several_lines_is_its_largest_line_at_the_time_of_the_first() -> None:
    call = only_call(
        assistant(output=1, at="10:00:00"), assistant(output=700, at="10:00:05"), assistant(output=9, at="10:00:09")
    )
    assert call.output == 700
    assert call.started_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_the_whole_largest_line_is_kept_and_no_maximum_of_each_field() -> None:
    before = assistant(output=1, counts={"cache_read_input_tokens": 90_000})
    after = assistant(output=500, counts={"cache_read_input_tokens": 0}, message={"model": "claude-haiku-4-5"})
    call = only_call(before, after)
    assert (call.output, call.cache_read, call.model) == (500, 0, "claude-haiku-4-5")


@pytest.mark.parametrize("is_replay_first", [True, False])
def test_of_two_equal_copies_the_one_that_is_no_sidechains_replay_is_kept(is_replay_first: bool) -> None:
    lines = [assistant(isSidechain=True, agentId="a1b2"), assistant()]
    call = only_call(*(lines if is_replay_first else reversed(lines)))
    assert call.subagent_id == ""


def test_an_error_that_claude_code_words_itself_is_no_call() -> None:
    assert reading(assistant(message={"model": "<synthetic>"})) == reading()


def test_cache_writes_without_a_split_have_an_unknown_time_to_live() -> None:
    call = only_call(assistant(counts={"cache_creation": None}))
    assert (call.cache_write_5m, call.cache_write_1h, call.cache_write_unknown) == (0, 0, 250)
    assert call.quality == ("ttl_unknown",)


def test_only_an_advisors_iterations_are_calls_of_their_own() -> None:
    iterations = [
        {"type": "message", "model": "claude-sonnet-4-5", "input_tokens": 10, "output_tokens": 100},
        {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 5_000, "output_tokens": 300},
    ]
    main, advisor = reading(assistant(counts={"iterations": iterations})).calls
    assert (main.id, main.input_uncached, main.output) == ("req_1", 10, 100)
    assert (advisor.id, advisor.model) == ("req_1:advisor:1", "claude-opus-4-6")
    assert (advisor.input_uncached, advisor.output, advisor.session_id) == (5_000, 300, SESSION)


def test_a_response_without_a_request_id_is_known_by_message_and_session() -> None:
    call = only_call(assistant(request=None, message={"id": "msg_7"}))
    assert call.id == f"msg_7:{SESSION}"
    assert call.quality == ("no_request_id",)


def test_output_is_a_lower_bound_where_no_line_of_the_response_has_ended() -> None:
    open_line = assistant(output=300, message={"stop_reason": None})
    assert only_call(open_line).quality == ("output_lower_bound",)
    assert only_call(assistant(output=1), open_line).quality == ()


@pytest.mark.parametrize(
    ("file_name", "fields", "subagent"),
    [
        ("session.jsonl", {"isSidechain": True, "agentId": "a1b2"}, "a1b2"),
        ("agent-c3d4.jsonl", {"isSidechain": True}, "c3d4"),
        ("session.jsonl", {"isSidechain": True}, "sidechain"),
        ("session.jsonl", {}, ""),
    ],
)
def test_a_subagents_calls_bear_its_name_and_its_parents_session(
    file_name: str, fields: dict[str, Any], subagent: str
) -> None:
    call = only_call(assistant(**fields), file_name=file_name)
    assert (call.session_id, call.subagent_id) == (SESSION, subagent)


def test_who_served_a_call_and_how_fast_is_told_apart() -> None:
    assert only_call(assistant(message={"id": "msg_bdrk_01"})).provider == "aws.bedrock"
    assert only_call(assistant(message={"id": "msg_vrtx_01"})).provider == "gcp.vertex_ai"
    assert only_call(assistant(counts={"speed": "fast"})).service_tier == "fast"


def test_a_cost_that_an_old_version_wrote_is_taken_to_the_last_digit() -> None:
    line = assistant().replace(b'"type": "assistant"', b'"type": "assistant", "costUSD": 0.0123456789')
    assert only_call(line).cost_usd == Decimal("0.0123456789")


def test_a_prompt_begins_an_execution_and_the_calls_up_to_the_next_belong_to_it() -> None:
    said = reading(
        user(uuid="first"),
        assistant("req_1"),
        tool_result(),
        assistant("req_2", at="10:01:00"),
        user([{"type": "text", "text": "and now this"}], uuid="second", at="10:02:00"),
        assistant("req_3", at="10:03:00"),
    )
    assert [call.execution_id for call in said.calls] == ["claude-code:first"] * 2 + ["claude-code:second"]
    assert [execution.execution_id for execution in said.executions] == ["claude-code:first", "claude-code:second"]
    first = said.executions[0]
    assert first.started_at == datetime(2026, 11, 1, 9, 59, tzinfo=UTC)
    assert (first.session_id, first.agent, first.status, first.task_id) == (SESSION, "claude-code", "", "")


@pytest.mark.parametrize(
    "line",
    [
        tool_result(),
        user(isMeta=True),
        user(isSidechain=True),
        user(isCompactSummary=True),
        user("This session is being continued from a previous conversation that ran out of context."),
        user([{"type": "text", "text": "[Request interrupted by user for tool use]"}]),
        user("<local-command-stdout>2.1.42</local-command-stdout>"),
        user(""),
    ],
)
def test_what_no_person_asked_begins_no_execution(line: bytes) -> None:
    said = reading(user(uuid="asked"), line, assistant())
    assert [execution.execution_id for execution in said.executions] == ["claude-code:asked"]
    assert said.calls[0].execution_id == "claude-code:asked"


def test_a_prompt_is_known_by_its_own_id_as_telemetry_events_name_it() -> None:
    prompt = "cb763de2-d4d4-4dd3-a41c-3c0d88f06a8f"
    assert reading(user(promptId=prompt)).executions[0].execution_id == f"claude-code:{prompt}"
    assert reading(user(promptId="[redacted 36 chars]")).executions[0].execution_id == "claude-code:prompt-1"


def test_a_subagents_file_names_its_execution_by_the_prompts_id() -> None:
    asked = user(isSidechain=True, promptId="cb763de2-d4d4-4dd3-a41c-3c0d88f06a8f")
    said = reading(asked, assistant(isSidechain=True), file_name="agent-a1.jsonl")
    assert said.executions == ()
    assert said.calls[0].execution_id == "claude-code:cb763de2-d4d4-4dd3-a41c-3c0d88f06a8f"
    assert reading(assistant(isSidechain=True), file_name="agent-a1.jsonl").calls[0].execution_id == ""


def test_the_next_reading_goes_on_in_the_execution_of_the_last() -> None:
    state = json.loads(json.dumps(reading(user(uuid="asked")).state))
    assert reading(assistant(), state=state).calls[0].execution_id == "claude-code:asked"


def test_the_state_stays_small_however_many_sessions_a_file_holds() -> None:
    prompts = [user(uuid=f"prompt-{n}", sessionId=f"session-{n}") for n in range(100)]
    assert len(json.dumps(reading(*prompts).state)) < 1_000


def test_nothing_that_was_said_is_kept() -> None:
    said = reading(user("my secret plan"), assistant(message={"content": [{"type": "text", "text": "my secret plan"}]}))
    assert "secret" not in repr(said)


def test_the_order_of_fields_and_spaces_between_them_do_not_matter() -> None:
    line = json.loads(assistant())
    reversed_line = json.dumps(dict(reversed(line.items())), separators=(",", ":")).encode()
    assert reading(reversed_line) == reading(assistant())


def test_other_lines_are_passed_over() -> None:
    others = [b'{"type":"summary","summary":"x"}', b'{"type":7}', b"{}", b"", b"  \r", b'{"type":"progress","data":{}}']
    assert reading(*others) == reading()


def test_a_session_is_read_before_its_subagents() -> None:
    paths = [Path("/p/agent-1.jsonl"), Path("/p/s/subagents/agent-2.jsonl"), Path("/p/s.jsonl"), Path("/p/b.jsonl")]
    assert sorted(paths, key=reading_order) == [paths[3], paths[2], paths[0], paths[1]]


def test_transcripts_are_looked_for_where_the_environment_says() -> None:
    home = Path("/home/ana")
    assert folders({}, home) == [home / ".claude/projects", home / ".config/claude/projects"]
    assert folders({"CLAUDE_CONFIG_DIR": "/a, /b"}, home) == [Path("/a/projects"), Path("/b/projects")]
