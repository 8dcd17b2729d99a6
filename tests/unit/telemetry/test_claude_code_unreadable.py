"""A line that cannot be read is counted with its reason, and costs nothing but itself."""

from __future__ import annotations

import pytest

from telemetry.sources.claude_code import read
from tests.transcripts import assistant, user

BAD = {
    "not JSON": [
        b"garbage",
        assistant()[:-20],
        b'{"type":"assistant"} {"type":"assistant"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"assistant","n":NaN}',
        assistant().replace(b"main", b"\xff\xfe"),
        assistant().replace(b"main", b"\\ud800"),
    ],
    "Expected `object`": [b"[1,2]", b"null", b"17"],
    "`int` >= 0": [assistant(output=-1)],
    "`int` <= 9007199254740992": [assistant(output=2**53 + 1), assistant(output=10**40)],
    "Expected `int": [assistant(counts={"input_tokens": "12"}), assistant(counts={"input_tokens": 1.5})],
    "timestamp": [assistant(timestamp="yesterday"), assistant(timestamp="2026-11-01T10:00:00"), assistant(timestamp=7)],
    "required field `timestamp`": [assistant(timestamp=None)],
    "length <= 200": [assistant(sessionId="s" * 201), assistant(message={"model": "m" * 201})],
    "without a model": [assistant(message={"model": None})],
    "NUL": [assistant(sessionId="a\x00b"), assistant(cwd="/tmp/\x00"), user(uuid="a\x00b")],
    "without a time": [user(timestamp=None)],
}


@pytest.mark.parametrize(("reason", "line"), [(reason, line) for reason, lines in BAD.items() for line in lines])
def test_a_line_that_cannot_be_read_is_counted_and_its_neighbours_are_read(reason: str, line: bytes) -> None:
    lines = [assistant("req_before"), line, assistant("req_after")]
    reading = read(lines, file_name="s.jsonl", host="", state={})
    assert [call.id for call in reading.calls] == ["req_before", "req_after"]
    ((counted, times),) = reading.unreadable.items()
    assert reason in counted
    assert times == 1


def test_bad_bytes_in_what_was_said_do_not_cost_the_usage() -> None:
    reading = read([assistant().replace(b"said", b"\xff\xfe")], file_name="s.jsonl", host="", state={})
    assert len(reading.calls) == 1
    assert not reading.unreadable


def test_reasons_say_which_field_and_nothing_of_its_content() -> None:
    reading = read([assistant(sessionId=["secret"])], file_name="s.jsonl", host="", state={})
    assert reading.unreadable == {"Expected `str | null`, got `array` - at `$.sessionId`": 1}
