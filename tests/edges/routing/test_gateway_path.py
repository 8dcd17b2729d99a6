"""A call from the client's library to the provider and into the ledger, through a real gateway process."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from telemetry.models import Project
from tests.gateways import Rungs, ledger, told


@pytest.fixture
def client(rungs: Rungs, caller_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=rungs.openai, api_key=caller_key, max_retries=0) as client:
        yield client


def test_an_answer_comes_from_the_lowest_tier_and_is_in_the_ledger_as_the_provider_counts_it(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    answer = client.chat.completions.with_raw_response.create(
        model="auto",
        messages=[{"role": "user", "content": "say many words"}],
        extra_headers={"x-tloi-agent": "hermes", "x-tloi-task-type": "chat", "x-tloi-session": "s1"},
    )
    assert answer.headers["x-tloi-tier"] == "1"
    assert answer.headers["x-tloi-model"] == "model-1"
    assert answer.headers["x-tloi-attempts"] == "1"
    assert answer.headers["x-tloi-cost"] == "0.000000000"
    said = answer.parse().choices[0].message.content
    assert said is not None
    assert said.endswith("word59")
    (call,) = ledger(project, 1)
    (asked,) = rungs.first.calls
    assert rungs.second.calls == []
    assert (call.input_uncached, call.output, call.quality) == (asked.input_tokens, asked.output_tokens, 0)
    assert (call.agent, call.task_type, call.session_id, call.tier) == ("hermes", "chat", "s1", "tier-1")
    assert told(call)["request_id"] == answer.headers["x-tloi-request-id"]


def test_a_stream_comes_as_it_is_and_its_usage_is_in_the_ledger_though_the_client_did_not_ask(
    rungs: Rungs, client: openai.OpenAI, project: Project
) -> None:
    stream = client.chat.completions.create(
        model="gpt-5", messages=[{"role": "user", "content": "say many words"}], stream=True
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).endswith("word59")
    assert all(chunk.usage is None for chunk in chunks)
    (call,) = ledger(project, 1)
    assert (call.input_uncached, call.output) == (rungs.first.input_tokens, 60)
    assert call.ttft_ms is not None
    assert call.duration_ms is not None
    assert call.ttft_ms <= call.duration_ms
