"""A line or message of a chat that cannot be read is counted with its reason, and costs nothing but itself."""

from __future__ import annotations

import json

import pytest

from telemetry.sources.gemini import read, read_document
from tests.chats import asked, gemini, header, patch

BAD = {
    "not JSON": [
        b"garbage",
        gemini()[:-20],
        b'{"$set":{}} {"$set":{}}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"gemini","n":NaN}',
        gemini("main").replace(b"main", b"\xff\xfe"),
        gemini("main").replace(b"main", rb"\ud800"),
    ],
    "Expected `object": [b"[1,2]", b"null", b"17", b'{"$set":7}', b'{"$set":{"messages":[1]}}'],
    "`int` >= 0": [gemini(output=-1)],
    "`int` <= 9007199254740992": [gemini(output=2**53 + 1), gemini(output=10**40)],
    "Expected `int": [gemini(tokens={"input": "12"}), gemini(tokens={"input": 1.5})],
    "timestamp": [gemini(timestamp="yesterday"), gemini(timestamp=None), asked(timestamp=7)],
    "required field `id`": [b'{"type":"gemini"}'],
    "length <= 80": [gemini("m" * 81), header(sessionId="s" * 81)],
    "length <= 200": [gemini(model="m" * 201)],
    "NUL": [gemini("a\x00b"), gemini(model="a\x00b"), asked(name="a\x00b"), header(sessionId="a\x00b")],
    "Expected `str`": [header(sessionId=7), gemini(id=7)],
    "Expected `str | null`": [asked([{"text": 7}])],
}


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, lines in BAD.items() for text in lines])
def test_a_line_that_cannot_be_read_is_counted_and_its_neighbours_are_read(reason: str, text: bytes) -> None:
    reading = read([header(), gemini("before"), text, gemini("after")], file_name="s.jsonl", host="", state={})
    assert [call.id.rpartition(":")[2] for call in reading.calls] == ["before", "after"]
    ((counted, times),) = reading.unreadable.items()
    assert reason in counted
    assert times == 1


def test_a_message_that_cannot_be_read_does_not_cost_the_others_of_its_patch_or_document() -> None:
    messages = [gemini("before"), gemini(output=-1), gemini("after")]
    whole = json.loads(header()) | {"messages": [json.loads(message) for message in messages]}
    for reading in (
        read([header(), patch(*messages)], file_name="s.jsonl", host="", state={}),
        read_document(json.dumps(whole).encode(), file_name="s.json", host=""),
    ):
        assert [call.id.rpartition(":")[2] for call in reading.calls] == ["before", "after"]
        assert sum(reading.unreadable.values()) == 1


@pytest.mark.parametrize("data", [b"", b"[]", b"garbage", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_chat_is_no_document(data: bytes) -> None:
    reading = read_document(data, file_name="s.json", host="")
    assert (reading.calls, sum(reading.unreadable.values())) == ((), int(bool(data)))


def test_bad_bytes_in_what_was_said_do_not_cost_the_usage() -> None:
    text = gemini().replace(b"said", b"\xff\xfe\\u0000")
    reading = read([header(), text], file_name="s.jsonl", host="", state={})
    assert (len(reading.calls), reading.unreadable) == (1, {})
