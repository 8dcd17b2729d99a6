"""No file makes a reader of whole documents or rows fail: what it holds is read, or counted with a reason."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call, Execution
from telemetry.sources import Reading, opencode, orchestrate
from tests.opencode_data import answer

MOMENT = st.just("2026-11-01T10:00:00")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | MOMENT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner))
NAMES = st.sampled_from(
    [
        "task_id",
        "tool",
        "model",
        "timestamp",
        "started_at",
        "tokens",
        "tokens_input",
        "execution_time",
        "errors",
        "error",
        "skills",
        "status",
        "attributes",
        "session_id",
        "execution_id",
        "x",
    ]
)
PARTS = st.sampled_from(
    [
        "id",
        "sessionID",
        "role",
        "modelID",
        "providerID",
        "model",
        "time",
        "tokens",
        "cost",
        "error",
        "path",
        "agent",
        "parentID",
    ]
)
MESSAGES = st.dictionaries(PARTS, VALUES).map(lambda changes: answer(id="msg_1") | changes)


def is_sound(reading: Reading) -> None:
    """All that was read can be sent, and comes to itself again."""
    for record in (*reading.calls, *reading.executions):
        kind: Any = type(record)
        assert msgspec.json.decode(msgspec.json.encode(record), type=kind) == record
    assert all(reason and count > 0 for reason, count in reading.unreadable.items())


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    is_sound(orchestrate.read_document(data, file_name="execution_log.json", host="laptop"))
    is_sound(opencode.read_document(data, file_name="msg_1.json", host="laptop"))


@given(VALUES | st.lists(st.dictionaries(NAMES, VALUES)) | st.dictionaries(st.text(), st.dictionaries(NAMES, VALUES)))
def test_any_document_of_runs(document: Any) -> None:
    reading = orchestrate.read_document(json.dumps(document).encode(), file_name="execution_log.json", host="laptop")
    is_sound(reading)
    assert all(isinstance(record, Execution) for record in reading.executions)


@given(st.lists(MESSAGES, max_size=4))
def test_any_messages(messages: list[Any]) -> None:
    rows = [
        {"id": f"msg_{n}", "session_id": "s", "root_id": "s", "data": json.dumps(message)}
        for n, message in enumerate(messages)
    ]
    reading = opencode.read_rows(rows, file_name="opencode.db", host="laptop", state={})
    is_sound(reading)
    assert all(isinstance(record, Call) for record in reading.calls)
