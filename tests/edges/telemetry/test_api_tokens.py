"""POST /api/v1/tokens/count/: how many tokens a text is, before it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from telemetry.access.keys import create_key
from telemetry.models import Project

TEXT = "Summarise the incident and list what was tried. " * 20


def ask(key: str, body: Any, status: int = 200) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Client().post(
        "/api/v1/tokens/count/", data, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == status, answer.content
    return answer.json()


def test_one_text_or_several_are_counted_and_the_answer_says_how(key: str) -> None:
    one = ask(key, {"model": "gpt-5", "text": "Hello <|endoftext|> world"})
    assert one == {
        "model": "gpt-5",
        "tokens": 9,
        "how": "counted",
        "low": 9,
        "high": 9,
        "encoding": "o200k_base",
        "receipts": 0,
    }
    assert ask(key, {"model": "gpt-5", "text": ["Hello", " world"]})["tokens"] == 2


def test_a_receipt_makes_the_next_estimate_better(key: str) -> None:
    asked = {"model": "claude-opus-4-5", "text": TEXT}
    before = ask(key, asked)
    assert (before["how"], before["receipts"], "learned" in before) == ("estimated", 0, False)
    for _ in range(20):
        assert ask(key, {**asked, "input_tokens": 400})["learned"] is True
    after = ask(key, asked)
    assert after["receipts"] == 20
    assert abs(after["tokens"] - 400) < abs(before["tokens"] - 400)
    assert after["low"] <= 400 <= after["high"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"text": "x"}',
        b'{"model": "", "text": "x"}',
        b'{"model": "m", "text": 5}',
        b'{"model": "m", "text": "x", "input_tokens": -1}',
        b'{"model": "m", "text": "x", "messages": []}',
        b'{"model": "a\\u0000b", "text": "x"}',
        b'{"model": "\\ud800", "text": "x"}',
        b'{"model": "m", "text": "\xff"}',
    ],
)
def test_a_body_that_cannot_be_counted_is_refused_with_the_reason(key: str, body: bytes) -> None:
    assert ask(key, body, status=400)["error"]["code"] == "bad_body"


def test_too_much_text_is_refused_and_needs_a_key_that_may_send(key: str, project: Project) -> None:
    assert ask(key, {"model": "gpt-5", "text": "x" * (2**20 + 1)}, status=413)["error"]["code"] == "too_large"
    reader = create_key(project, name="reads", scopes=["read"])
    assert "ingest" in ask(reader, {"model": "gpt-5", "text": "x"}, status=403)["error"]["message"]
