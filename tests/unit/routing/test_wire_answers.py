"""A whole answer passes as it came; its usage falls into the right buckets, and what is no answer counts as none."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from routing.contracts import Family, Protocol, Usage
from routing.wire.answers import Answered, answer
from routing.wire.errors import error_body, error_event
from routing.wire.reading import read
from routing.wire.sending import prepare


def answered(protocol: Protocol, body: Any, *, family: Family = "openai") -> Answered:
    """What comes of this answer to one message."""
    asked = {"messages": [{"role": "user", "content": "hello"}], "input": "x", "prompt": "x"}
    request = read(protocol, json.dumps(asked).encode())
    prepared = prepare(request, family=family, model="m", speaks=frozenset((protocol,)))
    return answer(request, prepared, 200, body if isinstance(body, bytes) else json.dumps(body).encode())


def chat(message: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A chat's body."""
    choice = {"index": 0, "finish_reason": "stop", "message": message or {"role": "assistant", "content": "hi"}}
    return {"id": "chatcmpl-1", "choices": [choice], **fields}


def test_a_chat_passes_byte_by_byte_and_is_understood() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    body = json.dumps(chat({"content": None, "refusal": "I cannot.", "tool_calls": [call]}), indent=3).encode()
    found = answered("openai.chat", body)
    assert (found.body, found.text, found.finish_reason, found.provider_call_id) == (
        body,
        "I cannot.",
        "stop",
        "chatcmpl-1",
    )
    assert [(one.id, one.name, one.arguments) for one in found.tool_calls] == [("call_1", "look", "{}")]
    assert found.is_complete


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}, Usage(input_uncached=10, output=4)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 40,
                "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 6},
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(input_uncached=30, cache_read=64, cache_write_unknown=6, output=40, reasoning=30),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage()),
        ({"prompt_tokens": 7}, Usage(input_uncached=7)),
        (
            {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 64}},
            Usage(input_uncached=5, cache_read=64, output=1),
        ),
        (
            {"prompt_tokens": 7, "completion_tokens": 1, "cost": 0.00014},
            Usage(input_uncached=7, output=1, cost_usd=Decimal("0.00014")),
        ),
        (
            {"prompt_tokens": 7, "completion_tokens": 1, "cost": 0},
            Usage(input_uncached=7, output=1, cost_usd=Decimal(0)),
        ),
        (
            {
                "prompt_tokens": 7,
                "completion_tokens": 1,
                "cost": 0.01,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.19},
            },
            Usage(input_uncached=7, output=1, cost_usd=Decimal("0.20")),
        ),
        ({"prompt_tokens": -1, "completion_tokens": "many"}, None),
        ({"total_tokens": 14}, None),
        (None, None),
    ],
    ids=[
        "plain",
        "cached",
        "an explicit 0",
        "input alone",
        "exclusive",
        "cost",
        "free",
        "own key",
        "nonsense",
        "total",
        "none",
    ],
)
def test_openais_usage_is_disjoint_in_our_buckets(usage: Any, expected: Usage | None) -> None:
    assert answered("openai.chat", chat(usage=usage)).usage == expected


def test_anthropics_usage_is_disjoint_already_and_its_cache_writes_keep_their_ttl() -> None:
    usage = {
        "input_tokens": 3,
        "cache_read_input_tokens": 50,
        "cache_creation_input_tokens": 45,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 30},
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 12},
    }
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}]
    found = answered(
        "anthropic.messages",
        {"id": "msg_1", "content": content, "stop_reason": "max_tokens", "usage": usage},
        family="anthropic",
    )
    assert found.usage == Usage(
        input_uncached=3,
        cache_read=50,
        cache_write_5m=10,
        cache_write_1h=30,
        cache_write_unknown=5,
        output=20,
        reasoning=12,
    )
    assert (found.text, found.finish_reason) == ("hi", "length")


def test_a_response_a_completion_and_embeddings_are_understood() -> None:
    output = [
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "hi"}]},
    ]
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 2}
    response = answered("openai.responses", {"id": "resp_1", "status": "completed", "output": output, "usage": usage})
    assert (response.text, response.finish_reason) == ("hi", "stop")
    assert response.usage == Usage(input_uncached=5, cache_read=4, output=2)
    completion = answered("openai.completions", {"choices": [{"index": 0, "text": "once", "finish_reason": "length"}]})
    assert (completion.text, completion.finish_reason) == ("once", "length")
    embeddings = answered("openai.embeddings", {"data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 5}})
    assert (embeddings.usage, embeddings.is_complete) == (Usage(input_uncached=5), True)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"choices":[]}', b'{"ok":true}', b"[" * 10**5, b'{"choices":"none"}'], ids=repr
)
@pytest.mark.parametrize("protocol", ["openai.chat", "openai.completions", "openai.responses", "openai.embeddings"])
def test_what_is_none_of_what_the_protocol_asks_for_is_no_answer(protocol: Protocol, body: bytes) -> None:
    found = answered(protocol, body)
    assert not found.is_complete
    assert found.fault is not None
    assert found.fault.kind == "malformed"


def test_an_error_in_the_body_of_a_success_is_no_answer() -> None:
    found = answered("openai.chat", {"error": {"code": 502, "message": "Provider disconnected"}})
    assert found.fault is not None
    assert (found.fault.kind, found.fault.status) == ("server", 502)
    failed = chat()
    failed["choices"][0] |= {"finish_reason": "error", "error": {"code": 429, "message": "slow"}}
    found = answered("openai.chat", failed)
    assert found.fault is not None
    assert found.fault.kind == "rate_limited"


def test_an_error_bears_the_words_of_each_library() -> None:
    openai = json.loads(error_body("openai.chat", 429, "budget_exceeded", "No more.", limit=5))
    assert openai["error"] == {
        "message": "No more.",
        "type": "rate_limit_error",
        "param": None,
        "code": "budget_exceeded",
        "limit": 5,
    }
    anthropic = json.loads(error_body("anthropic.messages", 529, "busy", "Later."))
    assert anthropic["type"] == "error"
    assert anthropic["error"] == {"type": "overloaded_error", "message": "Later.", "details": {"error_code": "busy"}}
    assert error_event("anthropic.messages", "cut", "It broke.").startswith(b"event: error\ndata: {")
    assert error_event("openai.chat", "cut", "It broke.").startswith(b'data: {"error":{')
