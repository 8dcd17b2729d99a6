"""Skills in the gateway: those that a conversation needs enter its prompt, where the request asks for them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from django.test import Client

from routing.models import Errand
from skills import facade as skills
from telemetry.models import Project, SkillInvocation
from tests.gateways import Rungs

AUTO = {"x-tloi-skills": "auto"}
DATABASE = "Analyze database performance"
LASAGNE = "Which wine goes well with lasagne?"


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def ask(rungs: Rungs, key: str, *messages: dict[str, str], path: str = "chat/completions", **said: Any) -> Any:
    """Ask; the status, the headers, and what the provider was sent."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"} | said.pop("headers", AUTO)
    body = {"model": "auto", "messages": messages, "max_tokens": 1_000, **said}
    request = urllib.request.Request(f"{rungs.address}/v1/{path}", json.dumps(body).encode(), headers)
    before = len(rungs.first.calls)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, rungs.first.calls[before].body
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.loads(error.read())


def system(sent: dict[str, Any]) -> str:
    """The system prompt that a provider of OpenAI's protocol was sent."""
    return "".join(message["content"] for message in sent["messages"] if message["role"] == "system")


def test_only_the_skills_that_a_task_needs_enter_its_prompt(rungs: Rungs, caller_key: str, project: Project) -> None:
    status, headers, sent = ask(rungs, caller_key, user(DATABASE))
    assert (status, headers["x-tloi-skills"]) == (200, "aria-database,aria-health")
    bodies = [skills.get(name, project_id=project.pk).body.strip() for name in ("aria-database", "aria-health")]
    assert all(body in system(sent) for body in bodies)
    assert system(sent).count("<skill name=") == 2
    assert sent["messages"][-1] == user(DATABASE)


@pytest.mark.parametrize("path", ["chat/completions", "messages"])
def test_a_task_that_needs_none_is_sent_as_it_came(rungs: Rungs, caller_key: str, path: str) -> None:
    status, headers, sent = ask(rungs, caller_key, user(LASAGNE), path=path)
    assert (status, headers["x-tloi-skills"]) == (200, None)
    assert "<skills>" not in json.dumps(sent)


@pytest.mark.parametrize("said", [{}, {"x-tloi-skills": "off"}])
def test_who_does_not_ask_for_skills_gets_none(rungs: Rungs, caller_key: str, said: dict[str, str]) -> None:
    status, headers, sent = ask(rungs, caller_key, user(DATABASE), headers=said)
    assert (status, headers["x-tloi-skills"]) == (200, None)
    assert "<skills>" not in json.dumps(sent)


def test_another_word_is_refused(rungs: Rungs, caller_key: str) -> None:
    status, _, told = ask(rungs, caller_key, user(DATABASE), headers={"x-tloi-skills": "all"})
    assert (status, told["error"]["param"]) == (400, "x-tloi-skills")


def test_what_a_message_brought_stays_and_the_prompt_only_grows(
    rungs: Rungs, caller_key: str, project: Project
) -> None:
    said = [user(DATABASE), assistant("It waits for locks."), user("And who won the chess game?")]
    first = system(ask(rungs, caller_key, *said[:1])[2])
    assert system(ask(rungs, caller_key, *said)[2]) == first
    more = [*said, assistant("Nobody."), user("Review this pull request")]
    last = system(ask(rungs, caller_key, *more)[2])
    assert last.startswith(first.removesuffix("</skills>"))
    assert 'name="aria-review"' in last
    skills.flush_loads()
    rows = SkillInvocation.objects.filter(project_id=project.pk, route="gateway")
    assert sorted(rows.values_list("skill", flat=True)) == ["aria-database", "aria-health", "aria-review"]
    assert len({row.session_id for row in rows}) == 1
    assert {bool(row.execution_id) for row in rows} == {True}


def ask_task(key: str, **said: str) -> dict[str, Any]:
    """Ask a worker for a task; what is answered at once."""
    body = json.dumps({"type": "summary", "prompt": DATABASE, **said})
    told = {"Authorization": f"Bearer {key}"}
    answer = Client().post("/api/v1/tasks/", body, content_type="application/json", headers=told)
    assert answer.status_code == 202
    found: dict[str, Any] = json.loads(answer.content)
    return found


def messages_of(asked: dict[str, Any]) -> list[dict[str, str]]:
    """What a worker will send for a task."""
    body: dict[str, Any] = Errand.objects.values_list("body", flat=True).get(pk=asked["id"]) or {}
    messages: list[dict[str, str]] = body["messages"]
    return messages


def test_a_task_for_a_worker_gets_its_skills_when_it_is_asked_for(caller_key: str, project: Project) -> None:
    asked = ask_task(caller_key, skills="auto", agent="scout")
    messages = messages_of(asked)
    assert 'name="aria-database"' in messages[0]["content"]
    assert messages[1] == user(DATABASE)
    plain = ask_task(caller_key)
    assert messages_of(plain) == [user(DATABASE)]
    skills.flush_loads()
    row = SkillInvocation.objects.get(project_id=project.pk, skill="aria-database")
    assert (row.route, row.agent, row.task_type) == ("task", "scout", "summary")
