"""A line of a rollout that cannot be read is counted with its reason, and costs nothing but itself."""

from __future__ import annotations

import pytest

from telemetry.sources.codex import read
from tests.rollouts import context, counted, event, line, meta, record, started, usage

ONE = (10, 0, 10, 0)
BAD = {
    "not JSON": [
        b"garbage",
        record("resp", ONE)[:-20],
        b'{"type":"event_msg"} {"type":"event_msg"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"event_msg","n":NaN}',
        record(r"\ud800", ONE).replace(rb"\\ud800", rb"\ud800"),
        record("main", ONE).replace(b"main", b"\xff\xfe"),
    ],
    "Expected `object`": [
        b"[1,2]",
        b"null",
        b"17",
        b'{"type":"event_msg","payload":[1]}',
        b'{"type":"token_usage_record","timestamp":"2026-11-01T12:00:00Z","payload":null}',
    ],
    "`int` >= 0": [record("resp", (-1, 0, 0, 0))],
    "`int` <= 9007199254740992": [record("resp", (2**53 + 1, 0, 0, 0)), counted((10**40, 0, 0, 0))],
    "Expected `int": [
        line("token_usage_record", {"usage": usage(ONE, input_tokens="12")}),
        line("token_usage_record", {"usage": usage(ONE, output_tokens=1.5)}),
    ],
    "timestamp": [
        record("resp", ONE).replace(b"2026-11-01T12", b"yesterday"),
        b'{"type":"event_msg","payload":{"type":"token_count"}}',
        b'{"type":"event_msg","timestamp":7,"payload":{"type":"token_count"}}',
    ],
    "length <= 200": [meta("t" * 201), context("m" * 201), started("t" * 201)],
    "length <= 300": [record("r" * 301, ONE)],
    "required field `id`": [line("session_meta", {})],
    "required field `usage`": [line("token_usage_record", {"response_id": "resp"})],
    "NUL": [meta("a\x00b"), context("a\x00b"), started("a\x00b"), record("a\x00b", ONE)],
    "Expected `bool": [line("inter_agent_communication_metadata", {"trigger_turn": 1})],
}


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, lines in BAD.items() for text in lines])
def test_a_line_that_cannot_be_read_is_counted_and_its_neighbours_are_read(reason: str, text: bytes) -> None:
    lines = [meta(), record("resp_before", ONE), text, record("resp_after", ONE)]
    reading = read(lines, file_name="rollout.jsonl", host="", state={})
    assert [call.id for call in reading.calls] == ["resp_before", "resp_after"]
    ((counted_reason, times),) = reading.unreadable.items()
    assert reason in counted_reason
    assert times == 1


def test_bad_bytes_in_what_was_said_do_not_cost_the_usage() -> None:
    said = event("task_complete", last_agent_message="said").replace(b"said", b"\xff\xfe\\u0000")
    reading = read([meta(), said, record("resp", ONE)], file_name="rollout.jsonl", host="", state={})
    assert (len(reading.calls), reading.unreadable) == (1, {})


def test_strange_values_in_what_is_only_glanced_at_do_no_harm() -> None:
    strange = [{"subagent": {"thread_spawn": 7}}, {"subagent": ["x"]}, 7, None, ["x"]]
    for source in strange:
        reading = read([meta(source=source), record("resp", ONE)], file_name="rollout.jsonl", host="", state={})
        assert (len(reading.calls), reading.unreadable) == (1, {})


def test_reasons_say_which_field_and_nothing_of_its_content() -> None:
    reading = read([context("x", turn_id=["secret"])], file_name="rollout.jsonl", host="", state={})
    assert reading.unreadable == {"Expected `str | null`, got `array` - at `$.payload.turn_id`": 1}
