"""Codex CLI's rollouts: what a line is worth, and which lines are one call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from telemetry.contracts import Call
from telemetry.sources import Reading
from telemetry.sources.codex import folders, matches, read, reading_order
from tests.rollouts import THREAD, context, counted, event, line, meta, moment, record, started, uuid7

FILE = f"rollout-2026-11-01T12-00-00-{THREAD}.jsonl"
TURN = uuid7(1)


def reading(*lines: bytes, file_name: str = FILE, state: dict[str, Any] | None = None) -> Reading:
    """What `lines` say."""
    return read(lines, file_name=file_name, host="laptop", state=state or {})


def sums(calls: tuple[Call, ...]) -> tuple[int, int, int, int]:
    """Calls, uncached and cached input, output."""
    return (
        len(calls),
        sum(call.input_uncached for call in calls),
        sum(call.cache_read for call in calls),
        sum(call.output for call in calls),
    )


def test_a_record_becomes_a_call_in_disjoint_buckets() -> None:
    said = reading(
        meta(model_provider="OpenAI"), context("gpt-5.4"), record("resp_1", (5_001, 4_096, 210, 64), at=2, written=100)
    )
    (call,) = said.calls
    assert (call.input_uncached, call.cache_read, call.cache_write_unknown) == (805, 4_096, 100)
    assert (call.output, call.reasoning) == (210, 64)
    assert (call.id, call.aliases, call.model, call.provider) == ("resp_1", (), "gpt-5.4", "openai")
    assert call.likeness == f"codex:{THREAD}:5001:4096:210"
    assert (call.agent, call.host, call.session_id, call.subagent_id) == ("codex", "laptop", THREAD, "")
    assert (call.started_at, call.quality) == (moment(2), ())


def test_where_responses_have_records_the_running_total_counts_nothing() -> None:
    said = reading(
        meta(),
        record("resp_1", (100, 0, 10, 0)),
        counted((100, 0, 10, 0), (100, 0, 10, 0)),
        record("resp_2", (150, 100, 20, 0)),
        counted((250, 100, 30, 0), (150, 100, 20, 0)),
    )
    assert [call.id for call in said.calls] == ["resp_1", "resp_2"]


def test_a_thread_that_a_newer_version_goes_on_with_keeps_its_older_calls() -> None:
    said = reading(
        meta(),
        counted((100, 0, 10, 0)),
        counted((100, 0, 10, 0)),
        record("resp_2", (150, 0, 20, 0)),
        counted((250, 0, 30, 0)),
    )
    assert sums(said.calls) == (2, 250, 0, 30)


def test_a_call_is_what_the_total_grew_by_and_a_repeat_is_none() -> None:
    said = reading(
        meta(),
        event("token_count", info=None, rate_limits={"primary": {}}),
        counted((100, 0, 10, 4), (100, 0, 10, 4)),
        counted((100, 0, 10, 4), (100, 0, 10, 4)),
        counted((250, 90, 35, 9), (150, 90, 25, 5)),
        counted((250, 90, 35, 9), (150, 90, 25, 5)),
    )
    first, second = said.calls
    assert (first.input_uncached, first.cache_read, first.output, first.reasoning) == (100, 0, 10, 4)
    assert (second.input_uncached, second.cache_read, second.output, second.reasoning) == (60, 90, 25, 5)
    assert second.likeness == f"codex:{THREAD}:150:90:25"
    assert "no_request_id" in second.quality


def test_a_total_without_the_last_call_is_enough() -> None:
    said = reading(meta(), counted((100, 0, 10, 0)), counted((250, 90, 35, 0)))
    assert sums(said.calls) == (2, 160, 90, 35)
    assert said.calls[1].likeness == f"codex:{THREAD}:150:90:25"


def test_a_total_makes_good_what_a_lost_line_told() -> None:
    lost = counted((100, 0, 10, 0), (100, 0, 10, 0))[:-9]
    said = reading(meta(), lost, counted((250, 90, 35, 0), (150, 90, 25, 0)))
    assert sums(said.calls) == (1, 160, 90, 35)


def test_where_the_total_shrinks_the_last_call_is_counted() -> None:
    said = reading(
        meta(),
        counted((1_000, 0, 100, 0), (1_000, 0, 100, 0)),
        line("compacted", {"message": ""}),
        counted((400, 0, 40, 0), (300, 0, 40, 0)),
        counted((900, 0, 90, 0), (500, 0, 50, 0)),
    )
    assert sums(said.calls) == (3, 1_800, 0, 190)


def test_a_total_of_nothing_is_no_call() -> None:
    assert reading(meta(), counted((0, 0, 0, 0)), record("resp_1", (0, 0, 0, 0))).calls == ()


def test_input_that_leaves_out_the_cache_is_seen_and_flagged() -> None:
    (call,) = reading(meta(), context(), record("resp_1", (10, 400, 20, 0))).calls
    assert (call.input_uncached, call.cache_read, call.quality) == (10, 400, ("exclusive_input",))


def test_a_record_without_a_response_id_is_known_by_its_thread_and_moment() -> None:
    (call,) = reading(meta(), context(), record(None, (10, 0, 20, 0))).calls
    assert call.id.startswith(f"codex:{THREAD}:2026-11-01T12:01:00+00:00")
    assert call.quality == ("no_request_id",)


def test_a_copy_that_was_put_away_has_the_same_calls() -> None:
    lines = [meta(), context(), counted((100, 0, 10, 0)), counted((200, 0, 20, 0))]
    assert reading(*lines).calls == reading(*lines, file_name="rollout-copy.jsonl").calls


def test_equal_totals_of_two_threads_are_two_calls() -> None:
    first, second = (reading(meta(uuid7(0, tail)), counted((100, 0, 10, 0))).calls[0] for tail in (1, 2))
    assert first.id != second.id


def test_the_model_is_that_of_the_last_turn_and_unknown_where_none_is_named() -> None:
    said = reading(
        meta(),
        counted((100, 0, 10, 0)),
        context("gpt-5"),
        counted((200, 0, 20, 0)),
        event("thread_settings_applied", thread_settings={"model": "gpt-5.4", "model_provider_id": "OpenRouter"}),
        counted((300, 0, 30, 0)),
    )
    assert [call.model for call in said.calls] == ["unknown", "gpt-5", "gpt-5.4"]
    assert [call.provider for call in said.calls] == ["openai", "openai", "openrouter"]
    assert ["model_fallback" in call.quality for call in said.calls] == [True, False, False]


@pytest.mark.parametrize(
    ("settings", "tier"),
    [
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "fast"}, "priority"),
        ({"service_tier": "flex"}, "flex"),
        ({"service_tier": "default"}, ""),
        ({"service_tier": None}, ""),
        ({}, "priority"),
    ],
)
def test_the_tier_is_that_of_the_last_settings_that_name_one(settings: dict[str, Any], tier: str) -> None:
    before = event("thread_settings_applied", thread_settings={"service_tier": "priority"})
    now = event("thread_settings_applied", thread_settings=settings)
    (call,) = reading(meta(), before, now, counted((100, 0, 10, 0))).calls
    assert call.service_tier == tier


def test_a_turn_is_an_execution_and_the_calls_in_it_belong_to_it() -> None:
    said = reading(
        meta(),
        started(TURN, at=1),
        context(at=1, turn_id=TURN),
        counted((100, 0, 10, 0), at=2),
        event("task_complete", at=3, turn_id=TURN, duration_ms=1_500, last_agent_message="done"),
        started(uuid7(4), at=4),
        counted((200, 0, 20, 0), at=5),
        event("turn_aborted", at=6, turn_id=uuid7(4), reason="interrupted"),
    )
    first, second = said.executions
    assert (first.execution_id, first.started_at, first.status) == (f"codex:{TURN}", moment(1), "done")
    assert (first.execution_time, first.session_id, first.agent) == (1.5, THREAD, "codex")
    assert (second.execution_id, second.status) == (f"codex:{uuid7(4)}", "aborted")
    assert [call.execution_id for call in said.calls] == [first.execution_id, second.execution_id]


def test_a_turn_without_an_id_is_known_by_its_thread_and_moment() -> None:
    said = reading(meta(), event("task_started"), counted((1, 0, 1, 0)), event("task_complete", at=2))
    (execution,) = said.executions
    assert execution.execution_id == f"codex:{THREAD}:2026-11-01T12:01:00+00:00" == said.calls[0].execution_id
    assert execution.status == "done"


def test_the_next_reading_goes_on_where_the_last_ended() -> None:
    before = reading(meta(), started(TURN), context("gpt-5", turn_id=TURN), counted((100, 0, 10, 0)))
    state = json.loads(json.dumps(before.state))
    after = reading(counted((250, 0, 30, 0)), event("task_complete", at=3, turn_id=TURN), state=state)
    (call,) = after.calls
    assert (call.input_uncached, call.output, call.model) == (150, 20, "gpt-5")
    assert call.execution_id == f"codex:{TURN}"
    (execution,) = after.executions
    assert (execution.started_at, execution.status) == (moment(1), "done")


def test_the_state_stays_small_however_many_lines_a_file_holds() -> None:
    turns = [started(uuid7(n)) for n in range(500)]
    assert len(json.dumps(reading(meta(), *turns, *map(meta, map(uuid7, range(50)))).state)) < 1_500


def test_a_file_without_its_first_line_is_known_by_its_name() -> None:
    (call,) = reading(counted((100, 0, 10, 0))).calls
    assert (call.session_id, call.id) == (THREAD, f"codex:{THREAD}:100:0:0:10:0")


def test_nothing_that_was_said_is_kept() -> None:
    said = reading(
        meta(base_instructions={"text": "my secret"}),
        line("response_item", {"type": "message", "content": [{"text": "my secret"}]}),
        started(TURN),
        record("resp_1", (1, 0, 1, 0)),
        event("task_complete", turn_id=TURN, last_agent_message="my secret"),
    )
    assert "secret" not in repr(said)


def test_other_lines_are_passed_over() -> None:
    others = [
        b'{"type":"world_state","payload":{"full":true}}',
        b'{"type":7}',
        b'{"type":"event_msg","payload":{"type":["x"]}}',
        b'{"id":"1","timestamp":"2025-05-01T00:00:00Z","instructions":null}',
        b"{}",
        b"",
        b"  \r",
    ]
    assert (reading(*others).calls, reading(*others).unreadable) == ((), {})


def test_rollouts_are_looked_for_where_the_environment_says() -> None:
    home = Path("/home/ana")
    assert folders({}, home) == [home / ".codex/sessions", home / ".codex/archived_sessions"]
    assert folders({"CODEX_HOME": "/c"}, home) == [Path("/c/sessions"), Path("/c/archived_sessions")]


def test_only_rollouts_are_taken_and_those_put_away_come_last() -> None:
    names = ["/c/archived_sessions/rollout-1.jsonl", "/c/sessions/2026/11/02/rollout-2.jsonl"]
    names += ["/c/sessions/2026/11/01/rollout-1.jsonl", "/c/sessions/notes.jsonl", "/c/sessions/rollout-3.json"]
    found = sorted(filter(matches, map(Path, names)), key=reading_order)
    assert [str(path) for path in found] == [names[2], names[1], names[0]]
