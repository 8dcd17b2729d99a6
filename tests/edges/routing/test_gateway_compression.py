"""Prompts are made shorter on their way where a project wants that: nothing is lost, and nothing changes twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from routing.compression.block import TOOL
from routing.contracts import Protocol
from routing.gateway import conversations, shortening
from routing.models import CompressionDay, CompressionRule, Conversation, Original, Tier
from telemetry import facade
from telemetry.access.projects import ensure_project
from telemetry.models import Project
from tests.compressing import Agent, fetches, is_prefix, messages_of, read_anew, refs_in, rule
from tests.conversations import PROTOCOLS, printed
from tests.gateways import PATIENCE_S, Rungs, ledger, serving, told
from tests.misbehaving import Manner

BOTH = pytest.mark.parametrize("protocol", PROTOCOLS)
EITHER = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
MIXED = pytest.mark.parametrize(("protocol", "is_streamed"), [("openai.chat", True), ("anthropic.messages", False)])
LONG = 2_000  # lines, some 20,000 tokens


@pytest.fixture
def on(rungs: Rungs, project: Project) -> Iterator[CompressionRule]:
    """The project's prompts are made shorter."""
    with rule(rungs.resources, project=project.slug) as made:
        yield made


def kept(project: Project) -> int:
    return Original.objects.filter(project_id=project.pk).count()


def left_out(agent: Agent, rungs: Rungs) -> str:
    """Have the agent read something long, and give the name under which that was left out of its prompt."""
    agent.reads(1, LONG)
    agent.ask()
    (ref,) = refs_in(rungs.first.calls[0])
    return ref


def days(project: Project, count: int = 1) -> list[CompressionDay]:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = list(CompressionDay.objects.filter(project_id=project.pk))
        if sum(day.asked for day in found) >= count:
            return found
        time.sleep(0.05)
    pytest.fail("nothing was summed up")


def written(project: Project) -> None:
    """Wait until what is known of a conversation is in the database."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if Conversation.objects.filter(project_id=project.pk).exists():
            return
        time.sleep(0.05)
    pytest.fail("nothing was written")


@BOTH
def test_unless_a_project_wants_it_a_prompt_is_sent_as_it_came(
    rungs: Rungs, caller_key: str, project: Project, protocol: Protocol
) -> None:
    agent = Agent(rungs.address, caller_key, protocol)
    agent.reads(1, LONG)
    got = agent.ask()
    assert printed(1, LONG) in json.dumps(rungs.first.calls[0].body).replace("\\n", "\n")
    assert "x-tloi-compressed" not in got.headers
    assert kept(project) == 0


@MIXED
def test_a_long_result_is_kept_before_something_shorter_is_sent_for_it(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, protocol: Protocol, is_streamed: bool
) -> None:
    agent = Agent(rungs.address, caller_key, protocol, is_streamed)
    agent.reads(1, LONG)
    got = agent.ask()
    assert got.text
    (asked,) = rungs.first.calls
    (ref,) = refs_in(asked)
    original = Original.objects.get(project_id=project.pk)
    assert original.sha256.startswith(ref)
    assert json.loads(bytes(original.content)) == printed(1, LONG)
    assert len(json.dumps(asked.body)) < len(printed(1, LONG)) / 10
    assert int(got.headers["x-tloi-compressed"]) > 15_000
    (call,) = ledger(project, 1)
    compression = told(call)["compression"]
    assert compression["came_tokens"] - compression["sent_tokens"] == int(got.headers["x-tloi-compressed"])
    assert compression["changes"] == ["stub", "offer"]


@BOTH
def test_what_was_sent_once_is_sent_again_byte_for_byte_also_by_another_gateway(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, protocol: Protocol, tmp_path: Any
) -> None:
    agent = Agent(rungs.address, caller_key, protocol)
    agent.reads(1, LONG)
    agent.ask()
    agent.says("And now?")
    agent.reads(2, LONG)
    agent.ask()
    with serving(tmp_path / "other", rungs.first.place, rungs.second.place) as (address, _):
        agent.address = address
        agent.says("Go on.")
        agent.ask()
    agent.address = rungs.address
    agent.says("And again.")
    agent.ask()
    assert [is_prefix(rungs.first, at, at + 1) for at in range(3)] == [True] * 3
    assert kept(project) == 2


@EITHER
@BOTH
def test_what_the_model_fetches_is_no_business_of_its_client(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, protocol: Protocol, is_streamed: bool
) -> None:
    agent = Agent(rungs.address, caller_key, protocol, is_streamed)
    ref = left_out(agent, rungs)
    agent.says("What does line 7 say?")
    rungs.first.then(fetches(ref, lines="8", says="Let me look. "), Manner(text="It says x_7."))
    got = agent.ask()
    assert TOOL not in json.dumps(got.message)
    assert got.text.split() == ["Let", "me", "look.", "It", "says", "x_7."]
    assert (got.calls, got.finish) == ([], "stop" if protocol == "openai.chat" else "end_turn")
    second, third = (messages_of(call) for call in rungs.first.calls[1:])
    assert json.dumps(third[: len(second)]) == json.dumps(second)
    assert printed(1, 8).splitlines()[-1] in json.dumps(third[-1])
    first, asked, answered = ledger(project, 3)
    assert [told(call)["is_final"] for call in (first, asked, answered)] == [True, False, True]
    assert min(asked.output, answered.output) > 0


@MIXED
def test_the_model_is_told_with_later_requests_what_it_has_fetched(
    rungs: Rungs, caller_key: str, on: CompressionRule, protocol: Protocol, is_streamed: bool
) -> None:
    agent = Agent(rungs.address, caller_key, protocol, is_streamed)
    ref = left_out(agent, rungs)
    agent.says("What does line 7 say?")
    rungs.first.then(fetches(ref, lines="8"), fetches(ref, lines="9"), Manner(text="It says x_7."))
    agent.ask()
    agent.says("Thanks.")
    agent.ask()
    assert [is_prefix(rungs.first, at, at + 1) for at in range(4)] == [True] * 4
    agent.messages[-4] = {**agent.messages[-4], "content": "I changed my question."}
    agent.says("And now?")
    agent.ask()
    assert json.dumps(rungs.first.calls[-1].body).count(ref) < json.dumps(rungs.first.calls[-2].body).count(ref)


@EITHER
@BOTH
def test_of_calls_of_both_the_client_does_its_own_and_the_model_has_the_results_of_both(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, protocol: Protocol, is_streamed: bool
) -> None:
    agent = Agent(rungs.address, caller_key, protocol, is_streamed)
    ref = left_out(agent, rungs)
    agent.says("Compare line 7 with b.py.")
    beside = (("read_file", '{"path": "b.py"}'),)
    rungs.first.then(fetches(ref, lines="8", says="I compare. ", beside=beside))
    got = agent.ask()
    assert TOOL not in json.dumps(got.message)
    ((id_, name, arguments),) = got.calls
    assert (name, arguments) == ("read_file", {"path": "b.py"})
    assert got.finish == ("tool_calls" if protocol == "openai.chat" else "tool_use")
    agent.gives([(id_, "what b.py says")])
    agent.ask()
    last = json.dumps(messages_of(rungs.first.calls[-1]))
    assert last.count(json.dumps(printed(1, 8).splitlines()[-1])[1:-1]) == 1
    assert last.count("what b.py says") == 1
    assert last.index(TOOL) < last.index("b.py")


@MIXED
def test_a_model_that_fetches_without_end_is_asked_five_times(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, protocol: Protocol, is_streamed: bool
) -> None:
    agent = Agent(rungs.address, caller_key, protocol, is_streamed)
    ref = left_out(agent, rungs)
    agent.says("What does it say?")
    rungs.first.always(fetches(ref, lines="8", says="Hm. "))
    agent.headers["x-tloi-buffer"] = "0"
    got = agent.ask()
    assert TOOL not in json.dumps(got.message)
    assert len(ledger(project, 6 if is_streamed else len(rungs.first.calls + rungs.second.calls))) >= 6
    assert len(rungs.first.calls) == 6
    assert [(day.is_shadow, day.fetched) for day in days(project, 2)] == [(False, 4)]


def test_what_is_only_measured_is_sent_as_it_came_and_kept_nowhere(
    rungs: Rungs, caller_key: str, project: Project
) -> None:
    with rule(rungs.resources, project=project.slug, mode="shadow"):
        agent = Agent(rungs.address, caller_key)
        agent.reads(1, LONG)
        got = agent.ask()
        agent.says("And?")
        agent.ask()
        found = days(project, 2)
    assert printed(1, LONG) in json.dumps(rungs.first.calls[0].body).replace("\\n", "\n")
    assert "x-tloi-compressed" not in got.headers
    assert kept(project) == 0
    (day,) = found
    assert (day.is_shadow, day.asked, day.shortened) == (True, 2, 2)
    assert day.saved_tokens > 30_000
    assert [told(call)["compression"]["is_shadow"] for call in ledger(project, 2)] == [True, True]


def test_a_header_has_one_request_sent_as_it_came_and_the_next_one_as_before(
    rungs: Rungs, caller_key: str, on: CompressionRule
) -> None:
    agent = Agent(rungs.address, caller_key)
    agent.reads(1, LONG)
    agent.ask()
    agent.says("All of it, please.")
    agent.headers["x-tloi-compress"] = "off"
    agent.ask()
    del agent.headers["x-tloi-compress"]
    agent.says("Thanks.")
    agent.ask()
    assert [len(refs_in(call)) for call in rungs.first.calls] == [1, 0, 1]
    assert is_prefix(rungs.first, 0, 2)


def test_a_model_without_tools_is_sent_all_of_it(rungs: Rungs, caller_key: str, on: CompressionRule) -> None:
    Tier.objects.update(has_tools=False)
    read_anew(rungs.resources)
    agent = Agent(rungs.address, caller_key, tools=[])
    agent.messages.append({"role": "assistant", "content": printed(1, LONG)})
    agent.says("Go on.")
    agent.ask()
    assert rungs.first.calls
    assert "tools" not in rungs.first.calls[0].body


def test_a_defect_of_ours_costs_nobody_an_answer(
    rungs: Rungs, caller_key: str, on: CompressionRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortening, "compress", lambda *_, **__: 1 / 0)
    agent = Agent(rungs.address, caller_key)
    agent.reads(1, LONG)
    assert agent.ask().text
    assert refs_in(rungs.first.calls[0]) == []


def test_slow_databases_cost_a_quarter_of_a_second_and_what_is_known_stays_as_short(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, new = (Agent(rungs.address, caller_key, session=name) for name in ("known", "new"))
    known.reads(1, LONG)
    known.ask()
    written(project)
    took = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE routing_conversation IN ACCESS EXCLUSIVE MODE")
        known.says("And now?")
        new.reads(1, LONG)
        for agent in (known, new):
            began = time.monotonic()
            assert agent.ask().text
            took.append(time.monotonic() - began)
    known.says("Go on.")
    known.ask()
    assert [len(refs_in(call)) for call in rungs.first.calls] == [1, 1, 0, 1]
    assert is_prefix(rungs.first, 0, 1)
    assert max(took) < 5 * conversations.SLOW_S + 2


def test_no_project_is_given_what_was_left_out_of_anothers_prompts(
    rungs: Rungs, caller_key: str, project: Project
) -> None:
    other = ensure_project(slug=f"{project.slug}-b")
    others_key = facade.create_key(project_slug=other.slug, name="agent", scopes=["gateway"])
    with rule(rungs.resources, project=""):
        mine, theirs = Agent(rungs.address, caller_key), Agent(rungs.address, others_key)
        mine.reads(1, LONG)
        mine.ask()
        (ref,) = refs_in(rungs.first.calls[0])
        theirs.reads(2, LONG)
        theirs.ask()
        for agent in (theirs, mine):
            agent.says("What does it say?")
            rungs.first.then(fetches(ref, lines="8"), Manner(text="Well."))
            agent.ask()
    answers = [json.dumps(messages_of(rungs.first.calls[at])[-1]) for at in (3, 5)]
    secret = json.dumps(printed(1, 8).splitlines()[-1])[1:-1]
    assert [secret in answer for answer in answers] == [False, True]
