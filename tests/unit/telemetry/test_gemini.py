"""Gemini CLI's chats: what a message is worth, and which messages are one call."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call
from telemetry.sources import Reading
from telemetry.sources.gemini import folders, matches, read, read_document, reading_order
from telemetry.usage import input_total
from tests.chats import CHAT, asked, gemini, header, patch

DATA = Path(__file__).parents[4] / "shared" / "data"
FILE = "session-2026-11-01T10-00-9332ac0e.jsonl"


def reading(*lines: bytes, state: dict[str, Any] | None = None) -> Reading:
    """What `lines` say."""
    return read(lines, file_name=FILE, host="laptop", state=state or {})


def only_call(*lines: bytes) -> Call:
    """The one call of `lines`."""
    (call,) = reading(*lines).calls
    return call


def document(*messages: bytes, **changes: Any) -> bytes:
    """A chat as older versions wrote it: one object in many lines."""
    chat = json.loads(header()) | {"messages": [json.loads(message) for message in messages]} | changes
    return json.dumps(chat, indent=2).encode()


def test_a_message_with_tokens_becomes_a_call_in_disjoint_buckets() -> None:
    call = only_call(header(), gemini())
    assert (call.input_uncached, call.cache_read, call.output, call.reasoning) == (389, 512, 175, 120)
    assert (call.id, call.model, call.provider) == (f"gemini:{CHAT}:m1", "gemini-2.5-pro", "gcp.gen_ai")
    assert call.likeness == f"gemini:{CHAT}:901:512:55:120"
    assert (call.agent, call.host, call.session_id, call.subagent_id) == ("gemini-cli", "laptop", CHAT, "")
    assert call.started_at == datetime(2026, 11, 1, 10, 0, 5, tzinfo=UTC)
    assert call.quality == ("no_request_id",)


@pytest.mark.parametrize(("total", "uncached"), [(1_376, 689), (1_076, 389), (0, 389), (None, 689)])
def test_what_tools_put_in_is_input_unless_the_total_holds_it_already(total: int | None, uncached: int) -> None:
    assert only_call(header(), gemini(tokens={"tool": 300, "total": total})).input_uncached == uncached


def test_input_that_leaves_out_the_cache_is_seen_and_flagged() -> None:
    call = only_call(header(), gemini(tokens={"cached": 2_000}))
    assert (call.input_uncached, call.cache_read, "exclusive_input" in call.quality) == (901, 2_000, True)


def test_a_message_that_grew_is_one_call_the_fullest_at_the_time_of_the_first() -> None:
    call = only_call(header(), gemini(output=1), gemini(output=700, at="10:00:09"), gemini(output=9))
    assert (call.output, call.started_at.second) == (820, 5)


def test_a_message_without_tokens_is_no_call_and_gets_them_later() -> None:
    bare = json.dumps(json.loads(gemini()) | {"tokens": None}).encode()
    assert reading(header(), bare).calls == ()
    assert only_call(header(), bare, gemini()).output == 175
    zeros = dict.fromkeys(("input", "output", "cached", "thoughts", "tool", "total"), 0)
    assert reading(header(), gemini(tokens=zeros)).calls == ()


def test_a_patch_repeats_messages_and_may_bring_new_ones() -> None:
    said = reading(header(), gemini("m1"), patch(gemini("m1", at="11:00:00"), gemini("m2")), gemini("m3"))
    assert [call.id for call in said.calls] == [f"gemini:{CHAT}:{name}" for name in ("m1", "m2", "m3")]
    assert said.calls[0].started_at.hour == 10


def test_a_patch_of_something_else_changes_nothing() -> None:
    assert only_call(header(), patch(lastUpdated="x"), patch(sessionId="other"), gemini()).session_id == CHAT


def test_what_was_taken_back_was_billed_all_the_same() -> None:
    assert len(reading(header(), gemini("m1"), b'{"$rewindTo": "m1"}', gemini("m2")).calls) == 2


def test_a_prompt_begins_an_execution_and_the_calls_up_to_the_next_belong_to_it() -> None:
    said = reading(
        header(),
        patch(asked("<session_context> ...", name="context")),
        asked(name="p1"),
        gemini("m1"),
        asked([{"functionResponse": {"id": "x", "response": {}}}], name="result"),
        gemini("m2"),
        patch(asked(name="p1"), gemini("m2")),
        asked("and now this", name="p2", at="10:02:00"),
        gemini("m3", at="10:03:00"),
    )
    first, second = (f"gemini-cli:{CHAT}:{name}" for name in ("p1", "p2"))
    assert [call.execution_id for call in said.calls] == [first, first, second]
    assert [execution.execution_id for execution in said.executions] == [first, second]
    begun = said.executions[0]
    assert begun.started_at == datetime(2026, 11, 1, 10, 0, 1, tzinfo=UTC)
    assert (begun.session_id, begun.agent, begun.status) == (CHAT, "gemini-cli", "")


@pytest.mark.parametrize("content", ["", " ", "<session_context>\nToday is ...", "<hook_context>", []])
def test_what_the_program_says_in_a_persons_name_begins_no_execution(content: Any) -> None:
    assert reading(header(), asked(content)).executions == ()


def test_a_picture_a_text_or_one_part_is_a_prompt_too() -> None:
    contents: list[Any] = ["please do", {"text": "please do"}, [{"inlineData": {}}]]
    for content in contents:
        line = json.dumps(json.loads(asked()) | {"content": content}).encode()
        assert len(reading(header(), line).executions) == 1


def test_a_sub_agents_chat_is_told_apart() -> None:
    said = reading(header(kind="subagent"), asked(), gemini())
    assert (said.calls[0].subagent_id, said.executions) == (CHAT, ())


def test_an_old_document_and_the_lines_in_which_it_was_taken_up_are_the_same_calls() -> None:
    old = read_document(document(asked(), gemini("m1"), gemini("m2")), file_name="session-1.json", host="laptop")
    new = reading(header(), asked(), gemini("m1"), gemini("m2"), gemini("m3"))
    assert (old.calls, old.executions) == (new.calls[:2], new.executions)
    assert old.state == {}


def test_a_document_in_one_line_is_read_among_lines_too() -> None:
    line = json.dumps(json.loads(document(asked(), gemini()))).encode()
    assert reading(line).calls == reading(header(), asked(), gemini()).calls


def test_the_next_reading_goes_on_in_the_execution_of_the_last() -> None:
    state = json.loads(json.dumps(reading(header(), asked()).state))
    (call,) = reading(gemini(), state=state).calls
    assert (call.session_id, call.execution_id) == (CHAT, f"gemini-cli:{CHAT}:p1")


def test_nothing_that_was_said_is_kept() -> None:
    said = reading(header(), asked("my secret plan"), gemini(content="my secret", thoughts=[{"subject": "my secret"}]))
    assert (len(said.calls), "secret" in repr(said)) == (1, False)


def test_other_lines_are_passed_over() -> None:
    others = [gemini(type="info"), gemini(type="error"), b'{"type":7}', b"{}", b"", b"  \r", b'{"id":"x"}']
    assert (reading(*others).calls, reading(*others).unreadable) == ((), {})


def test_chats_are_looked_for_where_the_environment_says() -> None:
    home = Path("/home/ana")
    assert folders({}, home) == [home / ".gemini/tmp"]
    assert folders({"GEMINI_CLI_HOME": "/g"}, home) == [Path("/g/.gemini/tmp")]


def test_only_chats_are_taken_and_old_documents_come_first() -> None:
    names = ["/t/p/chats/session-1.jsonl", "/t/p/chats/session-1.json", "/t/p/chats/parent/sub.jsonl", "/t/p/logs.json"]
    found = sorted(filter(matches, map(Path, names)), key=reading_order)
    assert [str(path) for path in found] == [names[1], names[0], names[2]]


def said_by(lines: Sequence[bytes], cuts: Iterable[int] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """Calls and executions of a chat that is read in pieces that end at `cuts`, as the ledger puts them together."""
    state: dict[str, Any] = {}
    calls: dict[str, Call] = {}
    executions: dict[str, Any] = {}
    begin = 0
    for end in (*sorted(cuts), len(lines)):
        piece = reading(*lines[begin:end], state=state)
        state, begin = json.loads(json.dumps(piece.state)), max(begin, end)
        for call in piece.calls:
            known = calls.get(call.id, call)
            if (call.output, input_total(call)) > (known.output, input_total(known)) or known is call:
                calls[call.id] = call
        executions = {execution.execution_id: execution for execution in piece.executions} | executions
    return {name: (call.output, input_total(call), call.likeness) for name, call in calls.items()}, executions


messages = st.builds(gemini, st.sampled_from(["m1", "m2", "m3"]), st.integers(0, 3))
prompts = st.builds(lambda name: asked(name=name), st.sampled_from(["p1", "p2"]))
lines = st.one_of(
    messages, prompts, st.builds(patch, messages, prompts), st.sampled_from([b"not JSON", b'{"$rewindTo":"m1"}'])
)


@given(rest=st.lists(lines, max_size=20), data=st.data())
def test_any_cut_says_the_same(rest: list[bytes], data: st.DataObject) -> None:
    whole = [header(), *rest]
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=6))
    assert said_by(whole, cuts) == said_by(whole)


def test_a_cut_would_be_seen_if_the_state_were_lost() -> None:
    whole = [header(), asked(), gemini()]
    assert said_by(whole)[0] != said_by(whole[2:])[0]


@pytest.mark.shared_data
def test_the_newest_chat_is_read_without_loss() -> None:
    text = (DATA / "otlp_captured" / "gemini-cli-0.61.0_chat.jsonl").read_bytes()
    said = reading(*text.split(b"\n"))
    (call,) = said.calls
    (execution,) = said.executions
    assert (call.input_uncached, call.cache_read, call.output, call.reasoning) == (389, 512, 175, 120)
    assert call.likeness == "gemini:9332ac0e-59d9-4a2b-aeac-caffe1f42e5b:901:512:55:120"
    assert call.execution_id == execution.execution_id
    assert not said.unreadable
