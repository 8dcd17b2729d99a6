"""A stream within one protocol: the client gets its bytes, whole events or none, and we hear all that we need."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.contracts import Family, Protocol, Usage
from routing.wire.reading import read
from routing.wire.sending import prepare
from routing.wire.streams import Relay, stream

USAGE = {"prompt_tokens": 40, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 30}}


def relay(protocol: Protocol = "openai.chat", *, family: Family = "openai", **fields: Any) -> Relay:
    """The relay of a stream that answers one message."""
    body = {"messages": [{"role": "user", "content": "hello"}], "input": "x", "prompt": "x", "stream": True, **fields}
    request = read(protocol, json.dumps(body).encode())
    speaks = frozenset((protocol,))
    return stream(request, prepare(request, family=family, model="m", speaks=speaks), model_name="m")


def chunk(content: str | None = None, *, finish: str | None = None, **fields: Any) -> bytes:
    """An event of a chat."""
    delta = {} if content is None else {"content": content}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"id": "chatcmpl-1", "choices": choices, **fields}).encode() + b"\n\n"


def typed(**event: Any) -> bytes:
    """An event of Anthropic's messages or OpenAI's responses."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


USAGE_CHUNK = chunk(choices=[], usage=USAGE)
DONE = b"data: [DONE]\n\n"
CHAT = (
    chunk("", model="m")
    + chunk("naïve ")
    + b": keep-alive\n\n"
    + chunk("😀\n")
    + chunk(finish="stop")
    + USAGE_CHUNK
    + DONE
)
MESSAGE = (
    typed(
        type="message_start",
        message={"id": "msg_1", "usage": {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 1}},
    )
    + typed(type="content_block_start", index=0, content_block={"type": "text", "text": ""})
    + typed(type="ping")
    + typed(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "naïve 😀"})
    + typed(type="content_block_stop", index=0)
    + typed(
        type="content_block_start",
        index=1,
        content_block={"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
    )
    + typed(type="content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"at":'})
    + typed(type="content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": "1}"})
    + typed(type="content_block_stop", index=1)
    + typed(type="message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 25})
    + typed(type="message_stop")
)


def test_a_chat_passes_as_it_came_but_for_the_usage_that_we_asked_for() -> None:
    one = relay()
    assert one.feed(CHAT) + one.close() == CHAT.replace(USAGE_CHUNK, b"")
    assert one.text == "naïve 😀\n"
    assert one.usage == Usage(input_uncached=10, cache_read=30, output=3)
    assert (one.finish_reason, one.provider_call_id, one.is_finished, one.is_over) == ("stop", "chatcmpl-1", True, True)


def test_a_client_that_asked_for_the_usage_gets_it() -> None:
    one = relay(stream_options={"include_usage": True})
    assert one.feed(CHAT) == CHAT


def test_a_message_passes_as_it_came_and_its_last_usage_counts() -> None:
    one = relay("anthropic.messages", family="anthropic")
    assert one.feed(MESSAGE) + one.close() == MESSAGE
    assert one.usage == Usage(input_uncached=9, cache_read=5, output=25)
    assert (one.text, one.finish_reason, one.is_over) == ("naïve 😀", "tool_calls", True)
    assert [(call.id, call.name, call.arguments) for call in one.tool_calls] == [("toolu_1", "look", '{"at":1}')]


def test_the_output_of_message_start_is_no_usage() -> None:
    one = relay("anthropic.messages", family="anthropic")
    one.feed(MESSAGE[: MESSAGE.index(b"event: content_block_stop")])
    assert one.usage is None
    assert one.input_usage == Usage(input_uncached=9, cache_read=5)
    assert (one.saw_first_token, one.is_finished) == (True, False)


def test_a_message_whose_end_says_no_usage_has_none() -> None:
    one = relay("anthropic.messages", family="anthropic")
    one.feed(MESSAGE.replace(b'"usage": {"output_tokens": 25}', b'"usage": {}'))
    assert (one.usage, one.is_finished) == (None, True)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize(
    ("whole", "protocol", "family"),
    [(CHAT, "openai.chat", "openai"), (MESSAGE, "anthropic.messages", "anthropic")],
    ids=["chat", "message"],
)
@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 2500), max_size=12))
def test_a_stream_cut_anywhere_gives_what_the_whole_gives(
    whole: bytes, protocol: Protocol, family: Family, line_end: bytes, cuts: list[int]
) -> None:
    sent = whole.replace(b"\n", line_end)
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    at_once, in_pieces = relay(protocol, family=family), relay(protocol, family=family)
    expected = at_once.feed(sent) + at_once.close()
    pieces = [in_pieces.feed(sent[a:b]) for a, b in pairwise(places)]
    assert b"".join(pieces) + in_pieces.close() == expected
    assert (in_pieces.text, in_pieces.usage, in_pieces.tool_calls) == (at_once.text, at_once.usage, at_once.tool_calls)
    assert in_pieces.is_over


def test_byte_by_byte_gives_what_the_whole_gives() -> None:
    one, other = relay(), relay()
    assert b"".join(one.feed(CHAT[place : place + 1]) for place in range(len(CHAT))) == other.feed(CHAT)


def test_an_event_that_is_no_json_is_skipped_and_counted() -> None:
    one = relay()
    broken = b'data: {"choices": [{"delta": {"content": "tru\n\n'
    assert one.feed(chunk("a") + broken + chunk("b")) == chunk("a") + chunk("b")
    assert (one.malformed, one.text, one.error) == (1, "ab", None)


def test_a_name_without_data_is_nothing() -> None:
    one = relay()
    assert (
        one.feed(b"event: ping\n\nretry: 3000\n\ndata:\n\n: alive\n\n") + one.feed(b"event: chunk") + one.close()
        == b": alive\n\n"
    )
    assert one.malformed == 0


def test_a_stream_that_ends_without_its_mark_gets_it_if_the_answer_is_whole() -> None:
    one, cut = relay(), relay()
    assert one.feed(chunk("a") + chunk(finish="stop")) + one.close() == chunk("a") + chunk(finish="stop") + DONE
    assert cut.feed(chunk("a") + chunk("b")[:-30]) + cut.close() == chunk("a")
    assert (one.is_finished, cut.is_finished, cut.malformed) == (True, False, 1)


def test_a_message_without_its_stop_gets_it_if_the_answer_is_whole() -> None:
    one = relay("anthropic.messages", family="anthropic")
    sent = MESSAGE[: MESSAGE.index(b"event: message_stop")]
    passed = one.feed(sent) + one.close()
    assert passed.startswith(sent)
    assert passed[len(sent) :] == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_a_last_event_that_lacks_only_its_empty_line_counts() -> None:
    one = relay()
    assert one.feed(CHAT[:-2]) + one.close() == CHAT.replace(USAGE_CHUNK, b"")
    assert one.is_over


def test_an_error_inside_a_stream_is_kept_from_the_client_and_told_to_us() -> None:
    one = relay()
    failed = chunk(finish="error", error={"code": 502, "message": "Provider disconnected"})
    assert one.feed(chunk("a") + failed + chunk("b") + DONE) == chunk("a")
    assert one.error is not None
    assert (one.error.kind, one.error.message, one.is_finished) == ("server", "Provider disconnected", False)


def test_anthropics_overload_inside_a_stream_is_the_servers() -> None:
    one = relay("anthropic.messages", family="anthropic")
    assert one.feed(typed(type="error", error={"type": "overloaded_error", "message": "Overloaded"})) == b""
    assert one.error is not None
    assert (one.error.kind, one.error.status) == ("server", 529)


def test_done_without_a_finish_reason_ends_an_answer_and_nothing_at_all() -> None:
    said, empty = relay(), relay()
    said.feed(chunk("a") + DONE)
    empty.feed(DONE)
    assert (said.is_finished, empty.is_finished, empty.is_over) == (True, False, True)


def test_of_several_choices_the_first_is_kept_and_all_must_end() -> None:
    one = relay(n=2)
    second = [{"index": 1, "delta": {"content": "no"}, "finish_reason": "stop"}]
    one.feed(chunk("yes") + chunk(finish="stop"))
    assert not one.is_finished
    one.feed(chunk(choices=second))
    assert (one.text, one.is_finished, one.counted_output) == ("yes", True, 2)


def test_tokens_are_counted_by_pieces_and_by_length_where_pieces_are_long() -> None:
    short, long = relay(), relay()
    short.feed(chunk("word ") * 40)
    long.feed(chunk("word " * 8) * 5)
    assert (short.counted_output, long.counted_output) == (40, 50)


def test_calls_of_tools_come_together_from_their_pieces() -> None:
    one = relay()
    for piece in (
        {"index": 0, "id": "call_1", "function": {"name": "look", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"at":'}},
        {"index": 1, "id": "call_2", "function": {"name": "stop", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": "1}"}},
    ):
        one.feed(chunk(choices=[{"index": 0, "delta": {"tool_calls": [piece]}}]))
    assert [(call.id, call.name, call.arguments) for call in one.tool_calls] == [
        ("call_1", "look", '{"at":1}'),
        ("call_2", "stop", "{}"),
    ]
    assert one.saw_first_token


def test_the_role_alone_is_no_token_and_a_thought_is_one() -> None:
    one = relay()
    one.feed(chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}]))
    assert not one.saw_first_token
    one.feed(chunk(choices=[{"index": 0, "delta": {"reasoning_content": "hm"}}]))
    assert (one.saw_first_token, one.text) == (True, "")


def test_text_is_kept_up_to_a_bound_and_counted_beyond_it() -> None:
    one = relay()
    for _ in range(20):
        one.feed(chunk("x" * 100_000))
    assert 2**20 <= len(one.text) < 2**20 + 100_000
    assert one.counted_output == 500_000


def test_an_event_without_end_is_an_error_and_not_all_memory() -> None:
    one = relay()
    for _ in range(40):
        one.feed(b"x" * 2**20)
    assert one.error is not None
    assert one.error.kind == "malformed"


def test_a_response_is_heard() -> None:
    one = relay("openai.responses")
    done = {"id": "resp_1", "status": "completed", "usage": {"input_tokens": 7, "output_tokens": 2}}
    whole = (
        typed(type="response.created", response={"id": "resp_1"})
        + typed(type="response.output_text.delta", delta="hi")
        + typed(
            type="response.output_item.added",
            output_index=1,
            item={"type": "function_call", "call_id": "c", "name": "look"},
        )
        + typed(type="response.function_call_arguments.delta", output_index=1, delta="{}")
        + typed(type="response.completed", response=done)
    )
    assert one.feed(whole) == whole
    assert one.usage == Usage(input_uncached=7, output=2)
    assert (one.text, one.tool_calls[0].arguments, one.finish_reason, one.is_over) == ("hi", "{}", "tool_calls", True)


def test_a_response_that_failed_is_an_error() -> None:
    one = relay("openai.responses")
    error = {"code": "server_error", "message": "It broke."}
    assert one.feed(typed(type="response.failed", response={"status": "failed", "error": error})) == b""
    assert one.error is not None
    assert (one.error.kind, one.error.message) == ("server", "It broke.")


def test_a_completion_is_heard() -> None:
    one = relay("openai.completions")
    one.feed(chunk(choices=[{"index": 0, "text": "once", "finish_reason": "length"}]))
    assert (one.text, one.finish_reason, one.is_finished) == ("once", "length", True)
