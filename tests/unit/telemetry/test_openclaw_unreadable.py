"""A line of a session that cannot be read is counted with its reason, and costs nothing but itself."""

from __future__ import annotations

import pytest

from telemetry.sources.openclaw import read
from tests.chats import assistant, prompt, session

BAD = {
    "not JSON": [
        b"garbage",
        assistant()[:-20],
        b'{"type":"message"} {"type":"message"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"message","n":NaN}',
        assistant(model="main").replace(b"main", b"\xff\xfe"),
        assistant(model="main").replace(b"main", rb"\ud800"),
    ],
    "Expected `object": [
        b"[1,2]",
        b"null",
        b"17",
        b'{"type":"message","message":7}',
        assistant().replace(b'"usage": {', b'"usage": 7, "x": {'),
    ],
    "`int` >= 0": [assistant(output=-1)],
    "`int` <= 9007199254740992": [assistant(output=2**53 + 1), assistant(output=10**40)],
    "Expected `int": [assistant(usage={"input": "12"}), assistant(usage={"input": 1.5})],
    "Expected `decimal": [assistant(usage={"cost": {"total": [1]}})],
    "timestamp": [assistant().replace(b"2026-11-01T", b"yesterday"), b'{"type":"session","timestamp":7}'],
    "`float` <= 1": [assistant(timestamp=1e15), prompt(timestamp=1e15)],
    "`float` >= 0": [prompt(timestamp=-1)],
    "length <= 150": [session(id="s" * 151)],
    "length <= 200": [assistant(model="m" * 201)],
    "length >= 1": [assistant(model="")],
    "length <= 300": [assistant(responseId="r" * 301)],
    "without a model": [assistant(model=None)],
    "NUL": [assistant(model="a\x00b"), assistant(responseId="a\x00b"), session(id="a\x00b")],
}


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, lines in BAD.items() for text in lines])
def test_a_line_that_cannot_be_read_is_counted_and_its_neighbours_are_read(reason: str, text: bytes) -> None:
    lines = [session(), assistant(1), text, assistant(2)]
    reading = read(lines, file_name="s.jsonl", host="", state={})
    assert [call.output for call in reading.calls] == [1, 2]
    ((counted, times),) = reading.unreadable.items()
    assert reason in counted
    assert times == 1


def test_bad_bytes_in_what_was_said_do_not_cost_the_usage() -> None:
    text = assistant().replace(b"said", b"\xff\xfe\\u0000")
    reading = read([session(), text], file_name="s.jsonl", host="", state={})
    assert (len(reading.calls), reading.unreadable) == (1, {})


@pytest.mark.parametrize("cost", ["NaN", "Infinity", -1])
def test_a_cost_that_cannot_be_is_left_to_the_ledger_to_refuse(cost: object) -> None:
    (call,) = read(
        [session(), assistant(usage={"cost": {"total": cost}})], file_name="s.jsonl", host="", state={}
    ).calls
    assert str(call.cost_usd) == str(cost)
