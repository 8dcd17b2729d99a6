"""Prompts made shorter for agents that ask models themselves, by HTTP and by the SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from routing.contracts import Protocol
from routing.models import Original
from telemetry.access import keys
from telemetry.access.projects import ensure_project
from telemetry.client_prompts import AWAY, TOOL, Prompts
from telemetry.models import Project
from tests.conversations import PROTOCOLS, answered, called, printed, request, said
from tests.conversations import Message as Body

LONG = 2_000


@pytest.fixture
def key(project: Project) -> str:
    return keys.create_key(project, name="agent", scopes=["gateway"])


def ask(key: str, what: str, **asked: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = Client().post(f"/api/v1/{what}/", json.dumps(asked), content_type="application/json", headers=headers)
    return answer.status_code, json.loads(answer.content)


def conversation(protocol: Protocol, steps: int = 1, lines: int = LONG) -> list[Body]:
    messages = [said("user", "Find out why it fails.")]
    for step in range(steps):
        messages.append(called(protocol, "I look.", [(f"c{step}", f"src/f{step}.py")]))
        messages += answered(protocol, [(f"c{step}", printed(step, lines))])
    return messages


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_request_is_made_shorter_the_same_way_each_time_and_all_of_it_is_there(
    key: str, project: Project, protocol: Protocol
) -> None:
    messages = conversation(protocol)
    body = request(protocol, messages)
    status, told = ask(key, "compress", body=body, session="s", protocol=protocol)
    assert (status, told["changes"]) == (200, ["stub", "offer"])
    assert told["came_tokens"] - told["sent_tokens"] > 15_000
    sent = told["body"]["messages"]
    ref = json.dumps(sent).split("[tloi ref=")[1][:16]
    later = request(protocol, [*messages, said("assistant", "Hm."), said("user", "Go on.")])
    ours = request(protocol, [*sent, said("assistant", "Hm."), said("user", "Go on.")])
    bodies = [ask(key, "compress", body=each, session="s", protocol=protocol)[1]["body"] for each in (later, ours)]
    assert bodies[0]["messages"] == bodies[1]["messages"]
    assert bodies[0]["messages"][: len(sent)] == sent
    assert ask(key, "retrieve", ref=ref, lines="8")[1]["text"] == printed(0, 8).splitlines()[-1]
    assert ask(key, "retrieve", ref=ref, whole=True)[1]["original"] == printed(0, LONG)


def test_old_steps_can_be_read_again_as_messages(key: str, project: Project) -> None:
    messages = conversation("openai.chat", 16, 60)
    messages[2]["content"] = printed(0, LONG)  # whose saving pays for the cut
    wishes = {"session_tokens": 3_000, "session": "s", "remaining": 100}
    changes: list[str] = []
    for step in range(1, 17):
        body = request("openai.chat", messages[: 1 + 2 * step])
        changes += ask(key, "compress", body=body, **wishes)[1]["changes"]
    assert "fold" in changes
    history = Original.objects.filter(project_id=project.pk, kind="history").latest("size")
    _, found = ask(key, "retrieve", ref=history.sha256[:16], whole=True)
    assert found["original"] == messages[1 : 1 + len(found["original"])]
    assert len(found["original"]) > 6


def test_no_project_reads_what_is_another_ones(key: str, project: Project) -> None:
    ask(key, "compress", body=request("openai.chat", conversation("openai.chat")), session="s")
    ref = Original.objects.get(project_id=project.pk).sha256[:16]
    other = keys.create_key(ensure_project(slug=f"{project.slug}-b"), name="agent", scopes=["gateway"])
    assert "There is nothing under" in ask(other, "retrieve", ref=ref)[1]["text"]
    assert ask(other, "retrieve", ref=ref, whole=True)[0] == 404
    assert ask(key, "retrieve", ref=ref, whole=True)[0] == 200


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("compress", {"session": "s"}),
        ("compress", {"body": {"messages": []}, "session": "s"}),
        ("compress", {"body": {"messages": [{"role": "user", "content": "a"}]}, "session": ""}),
        ("compress", {"body": {"messages": [{"role": "user", "content": "a"}]}, "session": "s", "protocol": "x"}),
        ("compress", {"body": {"messages": [{"role": "user", "content": "a"}]}, "session": "s", "turns": "many"}),
        ("retrieve", {"lines": "8"}),
        ("retrieve", {"ref": "0" * 16, "unknown": True}),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(key: str, what: str, asked: dict[str, Any]) -> None:
    status, told = ask(key, what, **asked)
    assert status == 400
    assert len(told["error"]["message"]) > 10


def test_the_sdk_gives_back_what_the_agent_would_have_sent_where_nobody_answers(web: str, key: str) -> None:
    body = request("openai.chat", conversation("openai.chat"))
    for nowhere in (Prompts("http://127.0.0.1:1", key), Prompts("", ""), Prompts(web, "tloi_wrong")):
        assert nowhere.compress(body, session="s") is body
        assert nowhere.retrieve("0" * 16) == AWAY
        assert nowhere.original("0" * 16) is None
    prompts = Prompts(web, key)
    shorter = prompts.compress(body, session="s", result_tokens=4_000)
    assert len(json.dumps(shorter)) < len(json.dumps(body)) / 5
    assert shorter["tools"][-1]["function"]["name"] == TOOL
    ref = json.dumps(shorter).split("[tloi ref=")[1][:16]
    assert prompts.retrieve(ref, lines="8") == printed(0, 8).splitlines()[-1]
    assert prompts.original(ref) == printed(0, LONG)
