"""A client's request is read once, never crashes whoever reads it, and passes within its protocol untouched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.contracts import Family, Protocol
from routing.wire.bodies import BadRequest
from routing.wire.reading import Request, read
from routing.wire.sending import CannotCarry, prepare

_LOOKED_AT = ("model", "messages", "stream", "stream_options", "tools", "stop_sequences")
HELLO = {"role": "user", "content": "hello"}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def reading(protocol: Protocol = "openai.chat", **fields: Any) -> Request:
    """The request of a body with one message and these fields."""
    return read(protocol, json.dumps({"messages": [HELLO], **fields}).encode())


@settings(max_examples=40)
@given(st.dictionaries(st.text(min_size=1, max_size=12).filter(lambda name: name not in _LOOKED_AT), JSON, max_size=6))
@pytest.mark.parametrize(
    ("protocol", "family"),
    [("openai.chat", "openai"), ("anthropic.messages", "anthropic")],
    ids=["openai", "anthropic"],
)
def test_every_field_passes_untouched_but_the_model(protocol: Protocol, family: Family, fields: dict[str, Any]) -> None:
    request = reading(protocol, model="auto", **fields)
    prepared = prepare(request, family=family, model="real")
    assert json.loads(prepared.body) == {"messages": [HELLO], **fields, "model": "real"}
    assert prepared.dropped == ()


def test_a_stream_asks_for_its_usage_and_keeps_other_options() -> None:
    request = reading(stream=True, stream_options={"include_obfuscation": False})
    sent = json.loads(prepare(request, family="openai", model="m").body)
    assert sent["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in json.loads(prepare(reading(), family="openai", model="m").body)


def test_a_limit_above_the_tiers_own_is_lowered_to_it_and_a_lower_one_is_kept() -> None:
    for asked, sent in ((32_000, 8_000), (100, 100)):
        prepared = prepare(reading(max_tokens=asked), family="openai", model="m", max_output=8_000)
        assert json.loads(prepared.body)["max_tokens"] == sent
    assert "max_tokens" not in json.loads(prepare(reading(), family="openai", model="m", max_output=8_000).body)


def test_what_a_provider_does_not_speak_cannot_be_carried() -> None:
    request = read("openai.embeddings", b'{"input": "text"}')
    assert prepare(request, family="openai", model="m").path == "/embeddings"
    with pytest.raises(CannotCarry, match="embeddings"):
        prepare(request, family="anthropic", model="m")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[1]", "JSON object"),
        (b"null", "JSON object"),
        (b"[" * 10**6, "nested too deeply"),
        (b'{"messages":' + b"[" * 10**6, "nested too deeply"),
        (b'{"messages":[{"role":"user","content":"\\ud83d"}]}', "not valid JSON"),
        (b'{"messages":[{"role":"user","content":"\xed\xa0\xbd"}]}', "not valid JSON"),
        (b'{"messages":[{"role":"user","content":"x"}],"temperature":NaN}', "not valid JSON"),
        (b'{"messages":[{"role":"user","content":"x"}],"seed":' + b"9" * 10**5 + b"}", "not valid JSON"),
        (b"{}", "`messages`"),
        (b'{"messages":[]}', "`messages`"),
        (b'{"messages":{"role":"user"}}', "`messages`"),
        (b'{"messages":["hello"]}', r"`messages\[0\]`"),
        (b'{"messages":[{"role":"user","content":7}]}', r"`messages\[0\].content`"),
        (b'{"messages":[{"role":"user","content":"x"}],"model":7}', "`model`"),
        (b'{"messages":[{"role":"user","content":"x"}],"stream":"yes"}', "`stream`"),
        (b'{"messages":[{"role":"user","content":"x"}],"stream_options":[1]}', "`stream_options`"),
        (b'{"messages":[{"role":"user","content":"x"}],"tools":{"name":"x"}}', "`tools`"),
    ],
)
def test_a_bad_body_is_the_callers_mistake_and_says_why(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        read("openai.chat", body)


def test_what_can_be_read_but_not_written_again_is_the_callers_mistake_too() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    request = reading(metadata=deep)

    def deeper(frames: int) -> bytes:
        return prepare(request, family="openai", model="m").body if frames == 0 else deeper(frames - 1)

    with pytest.raises(BadRequest, match="nested too deeply"):
        deeper(150)


@settings(max_examples=40)
@given(
    JSON, st.sampled_from(["messages", "tools", "system", "input", "instructions", "response_format", "text", "user"])
)
@pytest.mark.parametrize("protocol", ["openai.chat", "openai.responses", "anthropic.messages", "openai.completions"])
def test_a_field_of_any_type_is_read_or_refused_never_more(protocol: Protocol, value: Any, field: str) -> None:
    body = {"messages": [HELLO, {"role": "user", "content": [value]}], "prompt": "x", "input": [value], field: value}
    try:
        request = read(protocol, json.dumps(body).encode())
    except BadRequest:
        return
    assert request.features.prompt_chars >= 0


def test_features_say_what_a_request_needs_and_how_long_it_is() -> None:
    features = reading(
        messages=[
            {"role": "system", "content": "be brief"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {}}],
            },
        ],
        model="auto",
        tools=[{"type": "function", "function": {"name": "look"}}],
        response_format={"type": "json_object"},
        max_completion_tokens=9,
        stream=True,
    ).features
    assert features.needs == {"tools", "vision", "json"}
    assert (features.model, features.is_streamed, features.max_output, features.tools) == ("auto", True, 9, 1)
    assert (features.messages, features.prompt_chars, features.last_user_chars) == (2, 19, 11)


def test_a_conversation_with_tools_in_it_needs_them_though_none_is_offered() -> None:
    said = [
        HELLO,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "look", "input": {"at": 1}}]},
    ]
    assert reading("anthropic.messages", messages=said).features.needs == {"tools"}


@pytest.mark.parametrize(
    ("fields", "session"),
    [
        ({"metadata": {"user_id": "user_5f_account_1b_session_0b6ac0f8-57a8-4d52"}}, "0b6ac0f8-57a8-4d52"),
        ({"metadata": {"user_id": '{"device_id":"d","session_id":"0b6ac0f8"}'}}, "0b6ac0f8"),
        ({"metadata": {"user_id": "{broken"}}, "{broken"),
        ({"prompt_cache_key": "thread", "user": "me"}, "thread"),
        ({"conversation": {"id": "conv_1"}}, "conv_1"),
        ({"user": "u" * 300}, "u" * 200),
        ({"safety_identifier": "s"}, "s"),
        ({"user": 7}, ""),
        ({}, ""),
    ],
)
def test_the_clients_own_session_is_found(fields: dict[str, Any], session: str) -> None:
    assert reading(**fields).session_field == session


def test_a_conversation_has_one_root_however_long_it_grows() -> None:
    begun = reading("anthropic.messages", system="You are.", messages=[HELLO])
    blocks = [{"type": "text", "text": "x-anthropic-billing-header: cch=00f3a"}, {"type": "text", "text": "You are."}]
    later = reading(
        "anthropic.messages", system=blocks, messages=[HELLO, {"role": "assistant", "content": "hi"}, HELLO]
    )
    other = reading("anthropic.messages", system="You are not.", messages=[HELLO])
    assert begun.conversation_root == later.conversation_root == b"You are.\0hello"
    assert other.conversation_root != begun.conversation_root


def test_a_turn_is_what_the_user_said_and_not_what_a_tool_did() -> None:
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "look", "input": {}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "seen"}]}
    assert reading("anthropic.messages", messages=[HELLO, use, result]).turn == 1
    assert reading("anthropic.messages", messages=[HELLO, use, result, use, HELLO]).turn == 2
