"""What may be asked of the API for tasks."""

from __future__ import annotations

from json import dumps
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errands import wanted
from routing.errands.wanted import BadTask, Wanted


def read(**said: Any) -> Wanted:
    return wanted.read(dumps({"type": "summary", **said}).encode())


def test_a_task_becomes_a_chat_completion_with_its_schema() -> None:
    task = read(prompt="Say it.", schema={"type": "object"}, max_output=5, temperature=0)
    assert wanted.body_of(task) == {
        "model": "auto",
        "messages": [{"role": "user", "content": "Say it."}],
        "max_tokens": 5,
        "temperature": 0,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
    }


def test_a_task_is_its_types_and_has_a_session_of_its_own_where_it_names_none() -> None:
    assert wanted.caller_of(read(prompt="x", agent="hermes"), "7")["session"] == "task-7"
    assert wanted.caller_of(read(prompt="x", session="s"), "7")["session"] == "s"
    assert wanted.caller_of(read(prompt="x"), "7")["task_type"] == "summary"


def test_the_order_of_fields_makes_no_other_task_and_any_value_does() -> None:
    one = wanted.read(b'{"type": "a", "prompt": "x", "agent": "y"}')
    assert wanted.digest(one) == wanted.digest(wanted.read(b'{"agent": "y", "prompt": "x", "type": "a"}'))
    assert wanted.digest(one) != wanted.digest(wanted.read(b'{"type": "a", "prompt": "x", "agent": "z"}'))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "a prompt or messages"),
        ({"prompt": "x", "messages": [{"role": "user", "content": "x"}]}, "not both"),
        ({"prompt": "  "}, "empty"),
        ({"prompt": "x", "type": " "}, "empty"),
        ({"prompt": "x", "calback": "https://a.example"}, "calback"),
        ({"prompt": "x", "type": "t" * 201}, "200"),
        ({"messages": []}, "messages"),
        ({"prompt": "a\0b"}, "NUL"),
    ],
)
def test_what_is_wrong_with_a_task_is_named(said: dict[str, Any], why: str) -> None:
    with pytest.raises(BadTask, match=why):
        read(**said)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_task_or_a_bad_one(raw: bytes) -> None:
    with pytest.raises(BadTask):
        wanted.read(raw)
