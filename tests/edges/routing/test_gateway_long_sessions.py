"""Long sessions through the gateway: prompts stay short, begin as they did until a cut that is told, and all can be put
back; whatever else asks at the same time, and whoever is killed."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

from routing.compression.restoring import restored
from routing.compression.state import State
from routing.compression.steps import read, unpaired
from routing.contracts import Protocol
from routing.models import CompressionRule, Conversation
from routing.originals import keeping
from telemetry.models import Budget, BudgetLease, Project
from tests.compressing import Agent, is_prefix, messages_of, refs_in, rule
from tests.conversations import PROTOCOLS
from tests.gateways import PATIENCE_S, Rungs, ledger, process, serving, told
from tests.ladders import ladder
from tests.misbehaving import Manner, provider

STEPS = 18
LIMITS = {"context_window": 200_000}


@pytest.fixture
def on(rungs: Rungs, project: Project) -> Iterator[CompressionRule]:
    """The project's prompts are made shorter, and early."""
    sizes = {"session_tokens": 6_000, "turns": 100, "result_tokens": 3_000}
    with rule(rungs.resources, project=project.slug, **sizes) as made:
        yield made


def chats(protocol: Protocol, agent: Agent) -> list[Any]:
    """A conversation as its client sends it."""
    system = [{"role": "system", "content": "You are careful."}] if protocol == "openai.chat" else []
    return [*system, *agent.messages]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_a_long_session_less_than_half_is_sent_and_all_of_it_can_be_put_back(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, protocol: Protocol
) -> None:
    agent = Agent(rungs.address, caller_key, protocol, headers={"x-tloi-execution": "run"})
    for step in range(STEPS):
        agent.reads(step, 60 if step % 6 else 400)
        agent.ask()
        agent.says(f"Go on with {step}.")
    calls = [told(call)["compression"] for call in ledger(project, STEPS)]
    calls.sort(key=lambda call: call["came_tokens"])
    assert sum(call["sent_tokens"] for call in calls) < 0.5 * sum(call["came_tokens"] for call in calls)
    assert sum("fold" in call["changes"] for call in calls) >= 2
    assert sum("stub" in call["changes"] for call in calls) == STEPS / 6
    for at in range(STEPS - 1):
        changed = {"fold", "offer"} & set(calls[at + 1]["changes"])
        assert is_prefix(rungs.first, at, at + 1) or changed
    for call in rungs.first.calls:
        assert unpaired([read("openai.chat", message) for message in messages_of(call)]) == ([], [])
    assert "Do not touch a.py." in json.dumps(rungs.first.calls[-1].body)
    agent.messages.pop()
    whole = chats(protocol, agent)[:-1]  # as it was asked last
    assert put_back(rungs, project, protocol, agent) == json.dumps(whole)


def put_back(rungs: Rungs, project: Project, protocol: Protocol, agent: Agent) -> str:
    """The messages that the last request had, out of what is known and kept of its conversation."""
    from routing.compression.compress import compress  # noqa: PLC0415
    from routing.compression.policy import Policy  # noqa: PLC0415

    (known, _), *_ = rungs.resources.conversations._known.values()
    body = {"messages": chats(protocol, agent)[:-1]}
    never = Policy(session_tokens=10**9, turns=10**9, result_tokens=10**9)
    sent = compress(protocol, body, known.state, never, count=len).body
    assert len(json.dumps(sent)) < len(json.dumps(body)) / 2
    return json.dumps(restored(protocol, sent, known.state, keeping.finding(project.pk)))


def test_many_requests_of_one_conversation_by_two_gateways_lose_nothing_and_are_all_answered(
    rungs: Rungs, caller_key: str, project: Project, on: CompressionRule, tmp_path: Path
) -> None:
    with serving(tmp_path / "other", rungs.first.place, rungs.second.place) as (address, _):
        agents = [Agent(each, caller_key) for each in (rungs.address, address) * 3]
        for number, agent in enumerate(agents):
            agent.reads(number, 500)
        crew = [threading.Thread(target=agent.ask) for agent in agents]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        for agent in agents:
            agent.says("And?")
            agent.ask()
    assert len(rungs.first.calls) == 2 * len(agents)
    find = keeping.finding(project.pk)
    for call in rungs.first.calls:
        for ref in refs_in(call):
            assert find(ref) is not None


@pytest.mark.slow
def test_a_budget_that_is_nearly_used_up_has_prompts_made_shorter_whatever_their_size(
    rungs: Rungs, caller_key: str, project: Project
) -> None:
    fields = {"scope": "session", "subject": "s", "period": "session", "counts": "gross", "mode": "enforce"}
    Budget.objects.create(project=project, amount=Decimal(60_000), **fields)
    with rule(rungs.resources, project=project.slug):
        agent = Agent(rungs.address, caller_key)
        told_by: list[tuple[str, int]] = []
        for step in range(20):
            agent.reads(step, 200)
            try:
                headers = agent.ask().headers
            except openai.RateLimitError:
                break
            told_by.append((headers["x-tloi-budget-stage"], int(headers["x-tloi-compressed"])))
            settled(project)
    stages = [stage for stage, _ in told_by]
    assert stages.index("ok") == 0
    assert not any(left_out for stage, left_out in told_by if stage == "ok")
    assert told_by[-1][0] in ("compress", "exceeded")
    assert told_by[-1][1] > 0


def settled(project: Project) -> None:
    """Wait until what was reserved is settled."""
    until = time.monotonic() + PATIENCE_S
    while BudgetLease.objects.filter(project_id=project.pk).exclude(state="settled").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def cut_off(agent: Agent) -> None:
    with pytest.raises(openai.APIConnectionError):
        agent.ask()


@pytest.mark.slow
def test_a_gateway_that_is_killed_leaves_the_next_one_what_it_sent_and_what_that_lacks(
    database: None, project: Project, caller_key: str, tmp_path: Path
) -> None:
    with provider() as one, ladder(one.openai), rule(project=project.slug):
        agent = Agent("", caller_key)
        agent.reads(1, 2_000)
        with process(tmp_path / "a", [one.place]) as first:
            agent.address = first.address
            one.then(Manner(first_after_s=60))
            asking = threading.Thread(target=cut_off, args=(agent,))
            asking.start()
            while not one.calls:
                threading.Event().wait(0.02)
            first.process.send_signal(signal.SIGKILL)
            asking.join()
        with process(tmp_path / "b", [one.place]) as second:
            agent.address = second.address
            agent.ask()
        killed, again = one.calls
    assert json.dumps(again.body["messages"]) == json.dumps(killed.body["messages"])
    (ref,) = refs_in(killed)
    assert keeping.finding(project.pk)(ref) is not None
    state = msgspec.json.decode(Conversation.objects.get(project_id=project.pk).state, type=State)
    assert len(state.stubs) == 1
