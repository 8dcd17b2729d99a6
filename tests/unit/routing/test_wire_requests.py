"""Requests carried from one protocol to another ask the same, and what cannot be said is named or refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.contracts import Family, Protocol
from routing.wire.reading import BadRequest, read
from routing.wire.sending import CannotCarry, Prepared, prepare

TEXT = st.text(min_size=1, max_size=10)
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
IMAGE_URL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
HELLO = {"role": "user", "content": "hello"}
TOOL = {
    "name": "look",
    "description": "d",
    "input_schema": {"type": "object", "properties": {"at": {"type": "integer"}}},
}
FUNCTION = {"type": "function", "function": {"name": "look", "description": "d", "parameters": TOOL["input_schema"]}}
RESPONSE_TOOL = {"type": "function", "name": "look", "description": "d", "parameters": TOOL["input_schema"]}


def sent(
    protocol: Protocol, family: Family, *, model: str = "m", max_output: int | None = None, **body: Any
) -> Prepared:
    """What is sent of a request."""
    if protocol != "openai.responses":
        body = {"messages": [HELLO], **body}
    request = read(protocol, json.dumps(body).encode())
    return prepare(request, family=family, model=model, max_output=max_output)


def carried(protocol: Protocol, family: Family, **body: Any) -> Any:
    """The body that is sent of a request."""
    return json.loads(sent(protocol, family, **body).body)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Turns of a user and an assistant in Anthropic's words, each call answered in the next turn."""
    turns: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": draw(TEXT)}]}]
    for number in range(draw(st.integers(0, 3))):
        given_ = draw(st.lists(st.dictionaries(TEXT, st.integers()), max_size=2))
        uses = [
            {"type": "tool_use", "id": f"t{number}_{n}", "name": "look", "input": one} for n, one in enumerate(given_)
        ]
        said = [{"type": "text", "text": draw(TEXT)}] if not uses or draw(st.booleans()) else []
        turns.append({"role": "assistant", "content": said + uses})
        results = [
            {"type": "tool_result", "tool_use_id": use["id"], "content": draw(st.text(max_size=8))} for use in uses
        ]
        words = [{"type": "text", "text": draw(TEXT)}] if not uses or draw(st.booleans()) else []
        turns.append({"role": "user", "content": results + words})
    return turns


@settings(max_examples=40)
@given(turns=conversations(), system=st.text(max_size=6), heat=st.none() | st.sampled_from([0, 0.5, 1]))
def test_a_conversation_carried_there_and_back_is_the_same(turns: list[Any], system: str, heat: float | None) -> None:
    asked: dict[str, Any] = {"max_tokens": 9, "messages": turns, "tools": [TOOL], "tool_choice": {"type": "any"}}
    asked |= {"stop_sequences": ["END"]} | ({"system": system} if system else {})
    asked |= {} if heat is None else {"temperature": heat}
    chat = carried("anthropic.messages", "openai", **asked)
    assert carried("openai.chat", "anthropic", **chat) == {**asked, "model": "m"}


def test_results_of_tools_follow_their_calls_and_their_images_follow_them() -> None:
    content = [
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "seen"}, IMAGE]},
        {"type": "tool_result", "tool_use_id": "b", "content": "done"},
        {"type": "text", "text": "go on"},
    ]
    uses = [{"type": "tool_use", "id": one, "name": "look", "input": {}} for one in "ab"]
    turns = [HELLO, {"role": "assistant", "content": uses}, {"role": "user", "content": content}]
    messages = carried("anthropic.messages", "openai", messages=turns)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert messages[1]["content"] is None
    assert messages[4]["content"] == [IMAGE_URL, {"type": "text", "text": "go on"}]


MESSAGE_REQUEST: dict[str, Any] = {
    "max_tokens": 100,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cch=0aaa9;"},
        {"type": "text", "text": "You are.", "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        {"role": "user", "content": [IMAGE]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x"}]},
    ],
    "metadata": {"user_id": "me"},
    "top_k": 5,
    "thinking": {"type": "enabled", "budget_tokens": 10_000},
    "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    "tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}],
    "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": True},
    "stream": True,
}
CHAT_OF_IT = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "You are."},
        {"role": "user", "content": [IMAGE_URL]},
        {"role": "assistant", "content": ""},
    ],
    "max_tokens": 100,
    "stream": True,
    "stream_options": {"include_usage": True},
    "tools": [FUNCTION],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
    },
    "reasoning_effort": "medium",
}


def test_a_message_request_becomes_a_chat_and_says_what_it_leaves() -> None:
    prepared = sent("anthropic.messages", "openai", **MESSAGE_REQUEST)
    assert prepared.path == "/chat/completions"
    assert set(prepared.dropped) == {"metadata", "top_k", "cache_control", "thinking", "tools.web_search_20250305"}
    assert json.loads(prepared.body) == CHAT_OF_IT


CALL = {"id": "functions.look:0", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
CHAT_REQUEST: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are."},
        {"role": "user", "content": [{"type": "text", "text": "see"}, IMAGE_URL, {"type": "text", "text": ""}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "functions.look:0", "content": "seen"},
        {"role": "user", "content": "and?"},
    ],
    "temperature": 1.5,
    "top_p": 0.9,
    "stop": "END",
    "seed": 3,
    "tools": [FUNCTION],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "user": "me",
    "n": 1,
}
USE = {"type": "tool_use", "id": "functions_look_0", "name": "look", "input": {"at": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "functions_look_0", "content": "seen"}
MESSAGES_OF_IT = {
    "model": "m",
    "max_tokens": 8_192,
    "system": "You are.",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "see"}, IMAGE]},
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [RESULT, {"type": "text", "text": "and?"}]},
    ],
    "temperature": 1,
    "stop_sequences": ["END"],
    "tools": [TOOL],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "metadata": {"user_id": "me"},
}


def test_a_chat_becomes_a_message_request_and_says_what_it_leaves() -> None:
    prepared = sent("openai.chat", "anthropic", **CHAT_REQUEST)
    assert prepared.path == "/v1/messages"
    assert prepared.dropped == ("seed", "temperature", "top_p")
    assert json.loads(prepared.body) == MESSAGES_OF_IT


@pytest.mark.parametrize(
    ("asked", "limit"), [({"max_completion_tokens": 50}, 50), ({}, 4_000), ({"max_tokens": 9_000}, 4_000)]
)
def test_a_message_always_has_a_limit_and_none_above_the_tiers(asked: dict[str, int], limit: int) -> None:
    assert carried("openai.chat", "anthropic", max_output=4_000, **asked)["max_tokens"] == limit


ITEMS: list[Any] = [
    {
        "role": "user",
        "content": [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "https://x/y"}],
    },
    {"type": "reasoning", "summary": []},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
    {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
    {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": "***"},
    {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_image", "image_url": "https://x/z"}]},
    {"type": "custom_tool_call_output", "call_id": "b", "output": "done"},
]


@pytest.mark.parametrize(
    ("protocol", "name"),
    [
        ("openai.chat", "max_completion_tokens"),
        ("openai.completions", "max_tokens"),
        ("openai.embeddings", None),
    ],
)
def test_a_limit_is_set_where_it_must_be_kept_and_the_client_set_none(protocol: Protocol, name: str | None) -> None:
    request = read(protocol, json.dumps({"messages": [HELLO], "prompt": "p", "input": "i"}).encode())
    for sets_limit in (True, False):
        prepared = prepare(request, family="openai", model="m", max_output=77, sets_limit=sets_limit)
        found = {field: value for field, value in json.loads(prepared.body).items() if field.startswith("max_")}
        assert found == ({name: 77} if name and sets_limit else {})
    if name:
        own = read(protocol, json.dumps({"messages": [HELLO], "prompt": "p", "max_tokens": 9}).encode())
        assert (
            json.loads(prepare(own, family="openai", model="m", max_output=77, sets_limit=True).body)["max_tokens"] == 9
        )


def test_a_request_for_a_response_becomes_a_chat() -> None:
    prepared = sent(
        "openai.responses",
        "openai",
        model="gpt-5",
        instructions="Be brief.",
        input=ITEMS,
        max_output_tokens=50,
        tools=[RESPONSE_TOOL, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "look"},
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}},
        store=False,
        include=["reasoning.encrypted_content"],
    )
    assert prepared.dropped == ("include", "input.reasoning", "tools.web_search")
    body = json.loads(prepared.body)
    messages = body["messages"]
    calls = [(call["id"], call["function"]["arguments"]) for call in messages[2]["tool_calls"]]
    assert calls == [("a", "{}"), ("b", '{"input":"***"}')]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "tool", "user"]
    assert messages[5]["content"] == [{"type": "image_url", "image_url": {"url": "https://x/z"}}]
    assert (body["max_completion_tokens"], body["reasoning_effort"], body["tools"]) == (50, "low", [FUNCTION])
    assert body["response_format"]["json_schema"] == {"name": "n", "schema": {}, "strict": True}


def test_a_provider_that_speaks_responses_gets_them_untouched() -> None:
    request = read("openai.responses", b'{"input":"hi","previous_response_id":"resp_1"}')
    prepared = prepare(request, family="openai", model="m", speaks=frozenset(("openai.responses",)))
    assert (prepared.path, json.loads(prepared.body)["previous_response_id"]) == ("/responses", "resp_1")


@pytest.mark.parametrize(
    ("protocol", "family", "body", "field"),
    [
        ("anthropic.messages", "openai", {"mcp_servers": [{"url": "x"}]}, "mcp_servers"),
        ("anthropic.messages", "openai", {"tools": [{"type": "web_search_20250305", "name": "w"}]}, "tools.web_search"),
        (
            "anthropic.messages",
            "openai",
            {"messages": [{"role": "user", "content": [{"type": "document"}]}]},
            "document",
        ),
        ("anthropic.count_tokens", "openai", {}, "count_tokens"),
        ("openai.chat", "anthropic", {"n": 2}, "n"),
        ("openai.chat", "anthropic", {"logprobs": True}, "logprobs"),
        ("openai.chat", "anthropic", {"response_format": {"type": "json_object"}}, "response_format"),
        ("openai.chat", "anthropic", {"tools": [{"type": "custom", "custom": {}}]}, "tools.custom"),
        (
            "openai.chat",
            "anthropic",
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "input_audio",
        ),
        ("openai.chat", "anthropic", {"messages": [{"role": "system", "content": "alone"}]}, "messages"),
        ("openai.completions", "anthropic", {"prompt": "once"}, "completions"),
        ("openai.responses", "openai", {"input": "x", "previous_response_id": "resp_1"}, "previous_response_id"),
        ("openai.responses", "openai", {"input": "x", "tools": [{"type": "file_search"}]}, "tools.file_search"),
        ("openai.responses", "anthropic", {"input": [{"type": "item_reference", "id": "x"}]}, "item_reference"),
    ],
)
def test_what_a_request_needs_and_cannot_be_said_is_refused(
    protocol: Protocol, family: Family, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(CannotCarry, match=field):
        sent(protocol, family, **body)


def test_thoughts_without_a_signature_go_to_no_provider_that_looks_for_one() -> None:
    thoughts = [
        {"type": "thinking", "thinking": "a", "signature": ""},
        {"type": "thinking", "thinking": "b", "signature": "s"},
    ]
    prepared = sent("anthropic.messages", "anthropic", messages=[HELLO, {"role": "assistant", "content": thoughts}])
    assert json.loads(prepared.body)["messages"][1]["content"] == thoughts[1:]
    assert prepared.dropped == ("thinking",)


FIELDS = st.sampled_from(["type", "content", "text", "source", "name", "input", "function", "tool_calls", "image_url"])
SHAPES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["", "text", "tool_use", "image_url", "function"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)
LOOKED_AT = ["content", "tools", "system", "tool_choice", "tool_calls", "response_format", "thinking", "stop", "text"]
WAYS = [("anthropic.messages", "openai"), ("openai.chat", "anthropic"), ("openai.responses", "anthropic")]


@pytest.mark.parametrize(("protocol", "family"), WAYS)
@settings(max_examples=40)
@given(value=SHAPES, field=st.sampled_from(LOOKED_AT))
def test_a_request_of_any_shape_is_carried_or_refused_never_more(
    protocol: Protocol, family: Family, value: Any, field: str
) -> None:
    turns = [{"role": role, "content": [value], field: value} for role in ("user", "assistant", "tool")]
    with contextlib.suppress(BadRequest, CannotCarry):
        request = read(protocol, json.dumps({"messages": turns, "input": turns, field: value}).encode())
        assert json.loads(prepare(request, family=family, model="m").body)["model"] == "m"
