"""A free tier is asked twice where whether its answers agree decides who is asked next, if a site wants that."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from django.utils.timezone import now
from pytest_django import Settings

from routing.ladder.shares import Shares
from routing.models import Tier
from telemetry.models import Project
from tests.gateways import Rungs, ledger, told
from tests.misbehaving import Manner


@pytest.fixture
def client(rungs: Rungs, caller_key: str, settings: Settings) -> Iterator[openai.OpenAI]:
    settings.SECOND_SAMPLE = True
    learned = rungs.resources.learned  # so that a doubt is enough to ask the second tier, and no doubt is not
    learned.shares, learned._priced_at = Shares(dict.fromkeys(Tier.objects.values_list("pk", flat=True), 0.2)), now()
    rungs.second.always(Manner(text="It is 43."))
    with openai.OpenAI(base_url=rungs.openai, api_key=caller_key, max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI) -> str:
    answer = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "How many are they?"}])
    return answer.choices[0].message.content or ""


def test_answers_that_differ_send_the_question_to_a_higher_tier(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    rungs.first.then(Manner(text="It is 42."), Manner(text="It is 41."))
    assert ask(client) == "It is 43."
    calls = ledger(project, 3)
    assert [call.tier for call in calls] == ["tier-1", "tier-1", "tier-2"]
    assert [told(call)["is_final"] for call in calls] == [False, False, True]
    assert len({call.id for call in calls}) == 3
    assert sum(call.output for call in calls) == rungs.first.output_tokens + rungs.second.output_tokens


def test_answers_that_agree_are_given(rungs: Rungs, client: openai.OpenAI, project: Project) -> None:
    rungs.first.always(Manner(text="It is 42."))
    assert ask(client) == "It is 42."
    assert [told(call)["is_final"] for call in ledger(project, 2)].count(True) == 1
    assert rungs.second.calls == []


@pytest.mark.parametrize("manner", [Manner(status=500), Manner(text="")])
def test_where_there_is_no_second_answer_the_first_is_given(
    rungs: Rungs, client: openai.OpenAI, manner: Manner
) -> None:
    rungs.first.then(Manner(text="It is 42."), manner)
    assert ask(client) == "It is 42."
    assert (len(rungs.first.calls), rungs.second.calls) == (2, [])


def test_an_answer_that_cannot_be_compared_is_not_asked_for_twice(rungs: Rungs, client: openai.OpenAI) -> None:
    assert ask(client).startswith("word0 ")
    rungs.first.always(Manner(text="many words without a number in them " * 5))
    before = len(rungs.first.calls)
    ask(client)
    assert len(rungs.first.calls) == before + 1


def test_unless_a_site_wants_it_nobody_is_asked_twice(rungs: Rungs, client: openai.OpenAI, settings: Settings) -> None:
    settings.SECOND_SAMPLE = False
    rungs.first.then(Manner(text="It is 42."), Manner(text="It is 41."))
    assert ask(client) == "It is 42."
    assert len(rungs.first.calls) == 1
