"""The plan's three session types with their limits, each by an agent whose session grows until it is over: told at
80 %, its prompt made shorter at 90, halted with a summary, and gone on with in a new session."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest

from routing.contracts import Protocol
from telemetry.models import Budget, Project
from tests.budgeting import PLAN, settled
from tests.compressing import Agent, messages_of, rule
from tests.conversations import said
from tests.gateways import Rungs
from tests.provider_answers import prompt_tokens

OUTPUT = 100
KINDS: list[Any] = [
    ("direct_chat", "openai.chat"),
    pytest.param("cron_job", "anthropic.messages", marks=pytest.mark.slow),
    pytest.param("sub_agent", "openai.chat", marks=pytest.mark.slow),
]


def used(project: Project, calls: int) -> int:
    """What the ledger has of the session, once all calls are settled."""
    return max(window.used for window in settled(project, calls))


def words(tokens: int) -> str:
    """So many tokens, as the provider counts them."""
    return "word" * tokens


def warned(agent: Agent, project: Project, limit: int) -> None:
    """Most of the session goes to one long call, and it is told with the next one, which comes to 82 % of it."""
    long = replace(agent, messages=[said("user", words(limit * 74 // 100))])
    assert long.ask().headers["x-tloi-budget-stage"] == "ok"
    room = limit * 81 // 100 - used(project, 1)
    agent.says(f"Leave b.py alone. {words(room - prompt_tokens({'messages': agent.messages}) - OUTPUT)}")
    got = agent.ask()
    assert got.headers["x-tloi-budget-stage"] == "warn"
    assert got.headers["x-tloi-budget-advice"].startswith("Come to an end soon")
    assert got.headers.get("x-tloi-compressed", "0") == "0"


def shortened(agent: Agent, rungs: Rungs, limit: int) -> None:
    """What a tool printed would take it beyond 90 %, and does not enter the prompt."""
    agent.reads(1, limit // 60)
    got = agent.ask()
    assert int(got.headers["x-tloi-compressed"]) > limit // 20
    assert "[tloi ref=" in str(messages_of(rungs.first.calls[-1]))


def halted(agent: Agent, limit: int) -> Any:
    """What the error says when it is over."""
    agent.says(f"Now write the report. {words(limit // 10)}")
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)) as refused:
        agent.ask()
    told: Any = refused.value
    return told.body.get("error", told.body)


@pytest.mark.parametrize(("kind", "protocol"), KINDS)
def test_a_session_is_warned_shortened_halted_and_gone_on_with(
    rungs: Rungs, project: Project, caller_key: str, kind: str, protocol: Protocol
) -> None:
    limit = PLAN[kind]
    span = {"scope": "session_type", "subject": kind, "period": "session", "counts": "weighted"}
    Budget.objects.create(project=project, amount=Decimal(limit), mode="enforce", **span)
    agent = Agent(rungs.address, caller_key, protocol, headers={"x-tloi-session-type": kind}, max_output=OUTPUT)
    with rule(rungs.resources, result_tokens=limit):  # nothing is so long that it would be left out before
        warned(agent, project, limit)
        used(project, 2)
        shortened(agent, rungs, limit)
        before = used(project, 3)
        assert before < limit
        error = halted(agent, limit)
    assert len(rungs.first.calls) == 3
    assert error["budgets"][0]["subject"] == kind
    for fact in ("Find out why it fails. Do not touch a.py.", "Leave b.py alone.", "Now write the report.", "f1.py"):
        assert fact in error["summary"]
    follows = replace(agent, session="next", messages=[said("user", error["summary"])])
    assert follows.ask().headers["x-tloi-budget-stage"] == "ok"
    assert "Do not touch a.py." in str(messages_of(rungs.first.calls[-1])[0])
    assert used(project, 4) == before
