"""The summary of a session by HTTP, for agents that do not call by the gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from telemetry.access import keys
from telemetry.models import Project

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Find the leak. Do not touch a.py."}]}


@pytest.fixture
def key(project: Project) -> str:
    return keys.create_key(project, name="agent", scopes=["ingest"])


def ask(key: str, body: object) -> tuple[int, dict[str, Any]]:
    response = Client().post(
        "/api/v1/handover/",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    return response.status_code, json.loads(response.content)


@pytest.mark.parametrize("protocol", ["openai.chat", "anthropic.messages"])
def test_a_conversation_is_told_in_its_own_words(key: str, protocol: str) -> None:
    status, said = ask(key, {"protocol": protocol, "request": CHAT})
    assert status == 200
    assert "- Find the leak. Do not touch a.py.\n" in said["summary"]


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({"protocol": "smtp", "request": CHAT}, "openai.chat, openai.completions"),
        ({"protocol": "openai.chat", "request": {"messages": "none"}}, "`messages` must be a list"),
        ({"protocol": "openai.chat", "request": {**CHAT, "x": "y" * 8 * 2**20}}, "8,388,608 bytes"),
        ([], "Send `protocol`"),
    ],
    ids=["protocol", "messages", "size", "shape"],
)
def test_what_cannot_be_read_is_refused_with_its_reason(key: str, body: object, blamed: str) -> None:
    status, said = ask(key, body)
    assert status == 400
    assert blamed in said["error"]["message"]
