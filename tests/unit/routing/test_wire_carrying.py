"""Answers carried from one protocol to another say the same: text, calls of tools, usage and why they ended."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routing.contracts import Family, Protocol, Usage
from routing.wire.answers import answer, listener
from routing.wire.listening import Listener
from routing.wire.reading import Request, read
from routing.wire.sending import Prepared, prepare
from routing.wire.sse import Splitter, data_of
from routing.wire.streams import stream
from tests.spoken import Answer, chat_body, chat_stream, message_body, message_stream

WAYS: list[tuple[Protocol, Family]] = [
    ("anthropic.messages", "openai"),
    ("openai.chat", "anthropic"),
    ("openai.responses", "openai"),
    ("openai.responses", "anthropic"),
]
USAGE = Usage(input_uncached=10, cache_read=30, output=7)
NAMES = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)
OBJECTS = st.dictionaries(NAMES, st.integers() | st.text(max_size=5) | st.none(), max_size=3)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """An answer of text, of calls, or of both, its arguments in pieces."""
    calls = []
    for number, given_ in enumerate(draw(st.lists(OBJECTS, max_size=3))):
        text = json.dumps(given_)
        cut = draw(st.integers(0, len(text)))
        calls.append((f"call_{number}", draw(NAMES), tuple(piece for piece in (text[:cut], text[cut:]) if piece)))
    pieces = draw(st.lists(st.text(min_size=1, max_size=6), min_size=0 if calls else 1, max_size=4))
    finish = "tool_calls" if calls else draw(st.sampled_from(["stop", "length"]))
    return Answer(pieces=tuple(pieces), calls=tuple(calls), finish=finish)


def asked(protocol: Protocol, family: Family, **fields: Any) -> tuple[Request, Prepared]:
    """A request of one message, and what is sent of it."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], "input": "hello", **fields}
    body.pop("messages" if protocol == "openai.responses" else "input")
    request = read(protocol, json.dumps(body).encode())
    return request, prepare(request, family=family, model="m")


def said(protocol: Protocol, family: Family, of: Answer, *, cuts: tuple[int, ...] = (), **fields: Any) -> bytes:
    """What the client gets of a stream."""
    request, prepared = asked(protocol, family, stream=True, **fields)
    sent = chat_stream(of) if prepared.protocol == "openai.chat" else message_stream(of)
    relay = stream(request, prepared, model_name="tier:1", answer_id="one", created=5)
    places = sorted({0, len(sent), *(cut % len(sent) for cut in cuts)})
    out = b"".join(relay.feed(sent[a:b]) for a, b in pairwise(places)) + relay.close()
    assert relay.usage == USAGE
    assert relay.is_over
    assert relay.text == of.text
    return out


def used(heard: Listener) -> Usage | None:
    """The usage that a client is told, but for its reasoning, of which a response has to say something."""
    return replace(heard.usage, reasoning=None) if heard.usage else None


def events(said: bytes) -> list[Any]:
    """The objects of a stream's events."""
    found = [data_of(event) for event in Splitter().feed(said)]
    return [json.loads(data) for data in found if data and data != b"[DONE]"]


@pytest.mark.parametrize(("protocol", "family"), WAYS)
@settings(max_examples=25)
@given(of=answers(), cuts=st.tuples(st.integers(0, 4000), st.integers(0, 4000)))
def test_a_carried_stream_says_the_same(protocol: Protocol, family: Family, of: Answer, cuts: tuple[int, ...]) -> None:
    out = said(protocol, family, of, cuts=cuts, stream_options={"include_usage": True})
    assert out == said(protocol, family, of, stream_options={"include_usage": True})
    request, _ = asked(protocol, family, stream=True)
    heard = listener(protocol, request)
    for event in events(out):
        heard.event(event)
    assert (heard.text, heard.finish_reason, used(heard)) == (of.text, of.finish, USAGE)
    assert heard.is_whole
    assert [(call.id, call.name, call.arguments) for call in heard.tool_calls] == [
        (call_id, name, "".join(pieces)) for call_id, name, pieces in of.calls
    ]


@pytest.mark.parametrize(("protocol", "family"), WAYS)
@settings(max_examples=25)
@given(of=answers())
def test_a_carried_answer_says_the_same(protocol: Protocol, family: Family, of: Answer) -> None:
    request, prepared = asked(protocol, family)
    sent = chat_body(of) if prepared.protocol == "openai.chat" else message_body(of)
    found = answer(request, prepared, 200, sent, model_name="tier:1", answer_id="one", created=5)
    assert (found.text, found.finish_reason, found.usage) == (of.text, of.finish, USAGE)
    heard = listener(protocol, request)
    body = json.loads(found.body)
    assert heard.body(body)
    assert (heard.text, heard.finish_reason, used(heard)) == (of.text, of.finish, USAGE)
    assert [(call.id, call.name, json.loads(call.arguments or "{}")) for call in heard.tool_calls] == [
        (call_id, name, json.loads("".join(pieces))) for call_id, name, pieces in of.calls
    ]
    assert (body["model"], heard.provider_call_id.endswith("_one")) == ("tier:1", True)


def test_events_of_a_message_come_in_the_order_that_the_client_library_wants() -> None:
    calls = (("a", "look", ('{"at":', "1}")), ("functions.stop:1", "stop", ("{}",)))
    out = said("anthropic.messages", "openai", Answer(calls=calls, finish="tool_calls"))
    open_block: int | None = None
    for event in events(out)[1:-2]:
        if event["type"] == "content_block_start":
            assert open_block is None
            open_block = event["index"]
        assert event["index"] == open_block
        if event["type"] == "content_block_stop":
            open_block = None
    kinds = [event["type"] for event in events(out)]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    used = [event["content_block"] for event in events(out) if event["type"] == "content_block_start"]
    assert [block.get("id") for block in used] == [None, "a", "functions_stop_1"]


def test_text_between_the_pieces_of_a_call_comes_after_it() -> None:
    request, prepared = asked("anthropic.messages", "openai", stream=True)
    relay = stream(request, prepared, model_name="m")
    pieces = [
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "look", "arguments": '{"at":'}}]},
        {"content": "I look."},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
    ]
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in pieces]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    out = b"".join(relay.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n") for chunk in chunks) + relay.close()
    heard = listener("anthropic.messages", request)
    for event in events(out):
        heard.event(event)
    assert [(call.id, call.arguments) for call in heard.tool_calls] == [("a", '{"at":1}')]
    assert heard.text == "I look."


def test_thoughts_are_shown_to_who_asked_for_them() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2_000}
    of = Answer(thoughts=("hm", "!"))
    shown = events(said("anthropic.messages", "openai", of, thinking=thinking))
    assert [event["delta"].get("thinking") for event in shown if "thinking" in event.get("delta", {})] == ["hm", "!"]
    hidden = said("anthropic.messages", "openai", of)
    assert (b"thinking" in hidden, hidden.count(b"event: ping")) == (False, 2)
    assert b'"reasoning_content":"hm"' in said("openai.chat", "anthropic", of)


def test_a_tool_without_arguments_gets_an_empty_object() -> None:
    of = Answer(pieces=(), calls=(("a", "stop", ()),), finish="tool_calls")
    chunks = events(said("openai.chat", "anthropic", of))
    pieces = [
        call["function"]["arguments"] for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]
    assert "".join(pieces) == "{}"


def test_the_usage_of_a_carried_chat_is_shown_to_who_asked_for_it() -> None:
    assert b'"usage"' not in said("openai.chat", "anthropic", Answer())
    shown = events(said("openai.chat", "anthropic", Answer(), stream_options={"include_usage": True}))[-1]
    assert (shown["choices"], shown["usage"]["prompt_tokens"], shown["usage"]["total_tokens"]) == ([], 40, 47)


def test_a_custom_tool_gets_its_free_text() -> None:
    tools = [{"type": "custom", "name": "patch"}]
    of = Answer(pieces=(), calls=(("a", "patch", ('{"input":"*** Beg', 'in"}')),), finish="tool_calls")
    told = events(said("openai.responses", "openai", of, tools=tools))
    assert [event["delta"] for event in told if "delta" in event] == ["*** Begin"]
    done = told[-1]["response"]
    assert done["output"][0] | {"id": ""} == {
        "type": "custom_tool_call",
        "id": "",
        "call_id": "a",
        "name": "patch",
        "status": "completed",
        "input": "*** Begin",
    }


def test_an_answer_that_calls_tools_says_so_though_its_server_says_stop() -> None:
    of = Answer(pieces=(), calls=(("a", "look", ("{}",)),), finish="stop")
    assert events(said("anthropic.messages", "openai", of))[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_response_that_was_cut_short_says_so_of_its_text_too() -> None:
    done = events(said("openai.responses", "openai", Answer(finish="length")))[-1]
    assert done["type"] == "response.incomplete"
    (item,) = done["response"]["output"]
    assert (item["status"], item["content"][0]["text"]) == ("incomplete", "Hello wörld 😀")


def test_a_stream_that_breaks_is_not_ended_for_the_client() -> None:
    for protocol, family in WAYS:
        request, prepared = asked(protocol, family, stream=True)
        relay = stream(request, prepared, model_name="m")
        whole = chat_stream(Answer()) if prepared.protocol == "openai.chat" else message_stream(Answer())
        out = relay.feed(whole[: whole.index(b'finish_reason": "stop' if family == "openai" else b"message_delta")])
        out += relay.close()
        assert not relay.is_finished
        assert not any(mark in out for mark in (b"message_stop", b"[DONE]", b"response.completed", b'"stop"'))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a value there is something to be made worse."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [path, *(place for key, one in inner for place in places(one, (*path, key)))]
        if path
        else [place for key, one in inner for place in places(one, (*path, key))]
    )


@pytest.mark.parametrize(
    ("protocol", "family"), [*WAYS, ("openai.chat", "openai"), ("anthropic.messages", "anthropic")]
)
@settings(max_examples=40)
@given(worse=st.data())
def test_a_stream_with_any_value_anywhere_is_relayed_without_a_crash(
    protocol: Protocol, family: Family, worse: st.DataObject
) -> None:
    request, prepared = asked(protocol, family, stream=True, thinking={"type": "enabled"})
    of = Answer(thoughts=("hm",), calls=(("a", "look", ("{}",)),), finish="tool_calls")
    sent = events(chat_stream(of) if prepared.protocol == "openai.chat" else message_stream(of))
    *path, last = worse.draw(st.sampled_from(places(sent)))
    holder = sent
    for key in path:
        holder = holder[key]
    holder[last] = worse.draw(st.sampled_from([None, [], [[]], {}, {"type": []}, "", "x", -1, 10**30, True, 0.5]))
    relay = stream(request, prepared, model_name="m")
    for event in sent:
        relay.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    relay.close()
    assert relay.tool_calls is not None


def test_an_answer_that_is_none_is_carried_nowhere() -> None:
    request, prepared = asked("anthropic.messages", "openai")
    found = answer(request, prepared, 200, b'{"choices":[]}')
    assert (found.body, found.is_complete) == (b'{"choices":[]}', False)
