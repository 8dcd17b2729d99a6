"""Budgets in the gateway: what is lowered, warned of, refused and passed to another tier, and settled whatever dies."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletion

from routing import roster
from routing.cache.lookups import SKIPPED_S
from routing.contracts import Caller
from routing.errands.auditing import Nobody
from routing.gateway.budgets import FRESH_S, Budgets
from routing.gateway.exchange import Exchange
from routing.gateway.threads import Threads
from telemetry import facade
from telemetry.models import Budget, BudgetCurb, BudgetLease, BudgetWindow, Project
from tests.budgeting import settled
from tests.gateways import PATIENCE_S, Rungs, ledger, process
from tests.ladders import ladder
from tests.misbehaving import Manner, provider

LIMITS = {"has_json": True}
WORK: list[Any] = [
    {"role": "user", "content": "Find the leak. Do not touch a.py."},
    {"role": "assistant", "content": "We decided on plan B."},
    {"role": "user", "content": "Now write the report."},
]
SESSION = {"x-tloi-session": "s", "x-tloi-session-type": "coding"}


@pytest.fixture
def client(rungs: Rungs, caller_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=rungs.openai, api_key=caller_key, max_retries=0) as client:
        yield client


def grant(project: Project, amount: int, **changes: Any) -> Budget:
    fields = {"scope": "session_type", "subject": "coding", "period": "session", "counts": "gross", "mode": "enforce"}
    return Budget.objects.create(project=project, amount=Decimal(amount), **{**fields, **changes})


def change(budget: Budget, **changes: Any) -> None:
    """Change a budget, and wait for as long as a gateway believes what it read of it."""
    Budget.objects.filter(pk=budget.pk).update(**changes)
    time.sleep(FRESH_S)


def say(client: openai.OpenAI, *, model: str = "auto", headers: dict[str, str] | None = None, **changes: Any) -> Any:
    given = {"messages": [{"role": "user", "content": "say many words"}], **changes}
    return client.chat.completions.with_raw_response.create(
        model=model, extra_headers={**SESSION, **(headers or {})}, **given
    )


def refusal(client: openai.OpenAI, **changes: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as refused:
        say(client, **changes)
    return refused.value


def test_without_a_budget_that_warns_nothing_is_asked_and_no_header_says_anything(
    client: openai.OpenAI, project: Project
) -> None:
    grant(project, 10, mode="shadow")
    answer = say(client)
    assert not [name for name in answer.headers if name.startswith("x-tloi-budget")]
    ledger(project, 1)
    assert not BudgetWindow.objects.filter(project_id=project.pk).exists()


def test_a_limit_above_what_is_left_is_lowered_and_the_answer_says_so(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    grant(project, 3_000)
    answer = say(client, max_tokens=6_000)
    (asked,) = rungs.first.calls
    granted = int(answer.headers["x-tloi-max-output"])
    assert 2_700 < granted < 2_850
    assert asked.body["max_tokens"] == granted
    assert (answer.headers["x-tloi-budget-stage"], answer.headers["x-tloi-budget-limit"]) == ("compress", "3000")
    (call,) = ledger(project, 1)
    (window,) = settled(project)
    assert (window.used, window.reserved) == (call.input_uncached + call.output, 0)


def test_an_answer_that_a_budget_cut_off_is_not_kept_for_others_and_one_that_ended_is(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    grant(project, 3_000)
    told = []
    for finish in ("length", "stop", "stop"):
        rungs.first.always(Manner(finish=finish))
        answer = say(client, model="tier:1", max_tokens=6_000, headers={"x-tloi-cache": "on"})
        told.append((answer.headers["x-tloi-cache"], len(rungs.first.calls)))
        settled(project, len(rungs.first.calls))
        if finish == "length":
            time.sleep(SKIPPED_S)
    assert told == [("miss", 1), ("miss", 2), ("hit", 2)]


def test_a_kept_answer_is_no_way_around_a_session_that_is_over(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    budget = grant(project, 100_000)
    again: dict[str, Any] = {"model": "tier:1", "headers": {"x-tloi-cache": "on"}}
    say(client, **again)
    (window,) = settled(project)
    assert say(client, **again).headers["x-tloi-cache"] == "hit"
    change(budget, amount=Decimal(window.used))
    error = refusal(client, **again)
    assert error.code == "budget_exceeded"
    assert isinstance(error.body, dict)
    assert "say many words" in error.body["summary"]
    change(budget, mode="warn")
    assert say(client, **again).headers["x-tloi-cache"] == "hit"
    assert len(rungs.first.calls) == 1


def test_from_nine_tenths_on_a_request_is_pressed(rungs: Rungs, client: openai.OpenAI, project: Project) -> None:
    budget = grant(project, 100_000, scope="session", subject="")
    say(client)
    (window,) = settled(project)
    for amount, is_pressed in ((window.used * 2 + 200, False), (window.used * 16 // 15, True)):
        budget.amount = Decimal(amount)
        budget.save()
        assert asyncio.run(looked_at(project)) == is_pressed


async def looked_at(project: Project) -> bool:
    """Whether a request of the session is pressed, after the stage that looks."""
    threads = Threads("looks", 1)
    exchange = Exchange(protocol="openai.chat", headers={}, body=b"{}", client=Nobody())
    exchange.caller, exchange.prompt_tokens = Caller(project_id=project.pk, key_id=0, session="s"), 30
    ladder_now = await threads.run(lambda: roster.current(now=datetime.now(UTC)))
    await Budgets(threads, facade.LoopConnection()).look(exchange, ladder_now.tiers[0])
    threads.close()
    return exchange.is_pressed


def test_a_call_without_a_limit_is_given_one(rungs: Rungs, client: openai.OpenAI, project: Project) -> None:
    grant(project, 1_000_000)
    answer = say(client)
    assert rungs.first.calls[0].body["max_completion_tokens"] == 4_096
    assert answer.headers["x-tloi-budget-stage"] == "ok"
    assert not {"x-tloi-max-output", "x-tloi-budget-advice"} & {*answer.headers}


def test_under_a_thousand_tokens_it_is_refused_in_words_that_a_program_reads(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    budget = grant(project, 1_000)
    error = refusal(client, max_tokens=6_000)
    assert (error.status_code, error.code) == (429, "budget_exceeded")
    assert error.response.headers["x-should-retry"] == "false"
    assert isinstance(error.body, dict)
    (told,) = error.body["budgets"]
    assert (told["id"], told["scope"], told["left"], told["counts"]) == (budget.pk, "session_type", "1000", "gross")
    assert rungs.first.calls == rungs.second.calls == []
    assert say(client, max_tokens=100).headers["x-tloi-tier"] == "1"


def test_a_key_has_its_own_budget_by_what_was_settled_with_it(
    rungs: Rungs, client: openai.OpenAI, project: Project, caller_key: str
) -> None:
    prefix = caller_key.split("_")[1]
    budget = grant(project, 100_000, scope="key", subject=prefix, period="day")
    say(client)
    (window,) = settled(project)
    assert (window.subject, window.used > 0) == (prefix, True)
    change(budget, amount=Decimal(window.used))
    error = refusal(client)
    assert isinstance(error.body, dict)
    assert (error.body["budgets"][0]["scope"], error.body["budgets"][0]["subject"]) == ("key", prefix)
    other = facade.create_key(project_slug=project.slug, name="another", scopes=["gateway"])
    with openai.OpenAI(base_url=rungs.openai, api_key=other, max_retries=0) as another:
        assert say(another).headers["x-tloi-tier"] == "1"


def test_whoever_is_refused_is_told_what_the_session_came_to_and_another_goes_on_from_it(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    grant(project, 1_000)
    error = refusal(client, messages=WORK, max_tokens=6_000)
    assert isinstance(error.body, dict)
    summary = error.body["summary"]
    for line in ("Find the leak. Do not touch a.py.", "We decided on plan B.", "- Now write the report."):
        assert line in summary
    assert error.body["next"].startswith("Begin a new session, with `summary` as the user's first message.")
    assert error.body["next_at"] is None
    begun = [{"role": "user", "content": summary}]
    say(client, messages=begun, headers={"x-tloi-session": "s-2"}, max_tokens=500)
    assert "Do not touch a.py." in rungs.first.calls[0].body["messages"][0]["content"]


def test_in_anthropics_words_too_and_of_a_day_it_is_told_when_it_is_over(
    rungs: Rungs, caller_key: str, project: Project
) -> None:
    grant(project, 1_000, scope="project", subject="", period="day")
    asked_at = datetime.now(UTC)
    with (
        anthropic.Anthropic(base_url=rungs.address, api_key=caller_key, max_retries=0) as client,
        pytest.raises(anthropic.RateLimitError) as refused,
    ):
        client.messages.create(model="auto", max_tokens=6_000, messages=WORK)
    assert isinstance(refused.value.body, dict)
    told = refused.value.body["error"]
    assert (told["details"]["error_code"], told["budgets"][0]["ends_at"]) == ("budget_exceeded", told["next_at"])
    assert "Do not touch a.py." in told["summary"]
    assert asked_at < datetime.fromisoformat(told["next_at"]) <= asked_at + timedelta(days=1, hours=1)
    assert told["next"].startswith(f"From {told['next_at']} on there is room again")


def test_a_budget_that_warns_lowers_nothing(rungs: Rungs, client: openai.OpenAI, project: Project) -> None:
    grant(project, 10, mode="warn")
    answer = say(client, max_tokens=5_000)
    assert rungs.first.calls[0].body["max_tokens"] == 5_000
    assert answer.headers["x-tloi-budget-stage"] == "exceeded"
    assert answer.headers["x-tloi-budget-advice"] == "Begin a new session with a summary of this one."
    assert "x-tloi-max-output" not in answer.headers
    settled(project)


def test_a_tier_whose_budget_is_used_up_is_left_out_and_another_asked(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    grant(project, 10, scope="tier", subject="tier-1", period="day")
    answer: ChatCompletion = say(client).parse()
    assert answer.choices[0].message.content
    assert (len(rungs.first.calls), len(rungs.second.calls)) == (0, 1)


def test_an_answer_that_is_there_is_given_where_no_budget_is_left_to_better_it(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    asked: dict[str, Any] = {"response_format": {"type": "json_object"}, "max_tokens": 1_000}
    rungs.first.then(Manner(text="this is no JSON"))
    assert say(client, **asked).headers["x-tloi-tier"] == "2"
    grant(project, 1_900)
    time.sleep(FRESH_S)  # for so long it believes that there is none
    rungs.first.then(Manner(text="this is no JSON"))
    kept = say(client, headers={"x-tloi-session": "another"}, **asked)
    assert kept.headers["x-tloi-tier"] == "1"
    assert kept.parse().choices[0].message.content == "this is no JSON"
    (window,) = settled(project)
    assert (window.reserved, len(rungs.second.calls)) == (0, 1)


def test_the_final_summary_and_a_sub_agent_are_known_by_their_headers(client: openai.OpenAI, project: Project) -> None:
    budget = grant(project, 20_000, scope="session", subject="")
    say(client, headers={"x-tloi-session": "parent"})
    (window,) = settled(project)
    budget.amount = Decimal(window.used + 1_020)  # of which some 55 are held back, and the prompt takes some 30
    budget.save()
    child = {"x-tloi-session": "child", "x-tloi-parent-session": "parent"}
    assert refusal(client, headers=child, max_tokens=950).code == "budget_exceeded"
    final = say(client, headers={**child, "x-tloi-final": "1"}, max_tokens=950)
    assert final.headers["x-tloi-budget-stage"] == "compress"
    alone = say(client, headers={"x-tloi-session": "alone"}, max_tokens=950)
    assert alone.headers["x-tloi-budget-limit"] == final.headers["x-tloi-budget-limit"]


def test_what_is_refused_or_lowered_is_written_down_beside_the_requests(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    grant(project, 3_000)
    say(client, max_tokens=6_000, headers={"x-tloi-agent": "builder"})
    settled(project)
    granted = rungs.first.calls[0].body["max_tokens"]
    for _ in range(3):
        refusal(client, max_tokens=6_000, messages=[{"role": "user", "content": "x " * 8_000}])
    until = time.monotonic() + PATIENCE_S
    while sum(row.calls for row in curbs(project)) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    refused, lowered = sorted(curbs(project), key=lambda row: row.kind, reverse=True)
    assert (lowered.kind, lowered.calls, lowered.agent, lowered.given) == ("lowered", 1, "builder", granted)
    assert (lowered.session_id, lowered.scope, lowered.subject, lowered.remaining) == (
        "s",
        "session_type",
        "coding",
        3_000,
    )
    assert (refused.kind, refused.calls, refused.wanted, refused.given) == ("refused", 3, 6_000, 0)
    assert refused.prompt > 3_000


def curbs(project: Project) -> list[BudgetCurb]:
    return list(BudgetCurb.objects.filter(project_id=project.pk))


@pytest.mark.faults
def test_a_call_whose_gateway_is_killed_is_settled_by_the_next_one(
    database: None, project: Project, caller_key: str, tmp_path: Path
) -> None:
    grant(project, 100_000)
    with provider() as first, ladder(first.openai):
        first.always(Manner(gap_s=0.3))
        with (
            process(tmp_path, [first.place]) as running,
            openai.OpenAI(base_url=f"{running.address}/v1", api_key=caller_key, max_retries=0) as client,
        ):
            stream = client.chat.completions.create(
                model="auto",
                messages=[{"role": "user", "content": "say many words, slowly"}],
                stream=True,
                max_tokens=2_000,
                extra_headers=SESSION,
            )
            next(iter(stream))
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(20)
            assert BudgetLease.objects.get(project_id=project.pk).state == "open"
        with process(tmp_path, [first.place]):
            (window,) = settled(project)
    (call,) = ledger(project, 1)
    assert (window.used, window.reserved) == (call.input_uncached + call.output, 0)
    assert 0 < call.output < 60  # what was heard of it
