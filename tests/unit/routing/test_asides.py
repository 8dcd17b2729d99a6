"""Calls of our own tool are taken out of answers: what is left is an answer as the client's library expects one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routing.compression.rounds import MOST, with_round, with_rounds
from routing.compression.state import State
from routing.contracts import Protocol
from routing.wire.asides.shown import Shown
from routing.wire.asides.taking import hiding, results_of, taken
from routing.wire.bodies import Body
from tests.conversations import PROTOCOLS, answered, called, said
from tests.provider_answers import Said, events, whole

TOOL = "ours"
KINDS = {"openai.chat": "chat", "anthropic.messages": "messages"}
ASKED = ("ours", '{"ref": "1"}')
OTHER = ("theirs", '{"path": "a"}')


def answer(protocol: Protocol, *tools: tuple[str, str], says: str = "", text: str = "it is so") -> Said:
    first, *others = tools or (None,)
    pieces = tuple(first[1] if first else text)
    kind = KINDS[protocol]
    return Said(
        protocol=kind, model="m", prompt_tokens=9, pieces=pieces, tool=first, more_tools=tuple(others), says=says
    )


def streamed(protocol: Protocol, said: Said, shown: Shown, *, may_go_on: bool = True) -> tuple[list[bytes], Any]:
    hidden = hiding(protocol, TOOL, shown, may_go_on=may_go_on)
    pieces = [hidden.feed(event) for event, _ in events(said, with_usage=True)]
    return [piece for piece in pieces if piece], hidden.said()


def parsed(pieces: list[bytes]) -> list[Body]:
    lines = b"".join(pieces).split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("tools", [(), (OTHER,), (OTHER, OTHER)])
def test_an_answer_without_our_calls_passes_as_the_bytes_that_came(
    protocol: Protocol, tools: tuple[tuple[str, str], ...]
) -> None:
    said_ = answer(protocol, *tools, says="I see. " if tools else "")
    came = list(events(said_, with_usage=True))
    hidden = hiding(protocol, TOOL, Shown(), may_go_on=True)
    assert [hidden.feed(event) for event, _ in came] == [event for event, _ in came]
    body = json.dumps(whole(said_)).encode()
    assert taken(protocol, TOOL, body, Shown(), may_go_on=True)[0] == body


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_a_round_that_only_asks_us_nothing_is_visible(protocol: Protocol) -> None:
    _, round_ = streamed(protocol, answer(protocol, ASKED), Shown())
    assert round_.goes_on
    assert [(call.name, call.arguments.replace(" ", "")) for call in round_.ours] == [("ours", '{"ref":"1"}')]
    assert round_.shown == Shown()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_round_that_has_begun_is_gone_on_with_under_its_id_and_its_usage(protocol: Protocol) -> None:
    first, round_ = streamed(protocol, answer(protocol, ASKED, says="I look. "), Shown())
    second, last = streamed(protocol, answer(protocol), round_.shown)
    told = parsed(first + second)
    assert not last.goes_on
    if protocol == "openai.chat":
        assert len({chunk["id"] for chunk in told}) == 1
        texts = [choice["delta"].get("content") or "" for chunk in told for choice in chunk["choices"]]
        assert "".join(texts) == "I look. it is so"
        assert sum("role" in choice["delta"] for chunk in told for choice in chunk["choices"]) == 1
        assert [chunk["usage"]["completion_tokens"] for chunk in told if chunk.get("usage")] == [len(ASKED[1])]
        return
    kinds = [event["type"] for event in told]
    assert (kinds.count("message_start"), kinds.count("message_delta"), kinds.count("message_stop")) == (1, 1, 1)
    assert [event["index"] for event in told if event["type"] == "content_block_start"] == [0, 1]
    assert told[-2]["usage"] == {"output_tokens": len(ASKED[1])}
    assert told[-2]["delta"]["stop_reason"] == "end_turn"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("tools", [(ASKED, OTHER), (OTHER, ASKED), (OTHER, ASKED, OTHER)])
def test_a_clients_own_calls_stand_as_if_there_were_no_others(
    protocol: Protocol, tools: tuple[tuple[str, str], ...]
) -> None:
    said_ = answer(protocol, *tools, says="Both. ")
    pieces, round_ = streamed(protocol, said_, Shown())
    body, in_whole = taken(protocol, TOOL, json.dumps(whole(said_)).encode(), Shown(), may_go_on=True)
    told, theirs = json.dumps(parsed(pieces)), sum(name != TOOL for name, _ in tools)
    assert (told.count("ours"), body.count(b"ours")) == (0, 0)
    assert (told.count("theirs"), body.count(b"theirs")) == (theirs, theirs)
    assert not round_.goes_on
    assert [call.arguments.replace(" ", "") for call in round_.ours] == ['{"ref":"1"}']
    assert [call.id for call in round_.ours] == [call.id for call in in_whole.ours]
    if protocol == "openai.chat":
        places = [
            call["index"]
            for chunk in parsed(pieces)
            for choice in chunk["choices"]
            for call in choice["delta"].get("tool_calls", ())
        ]
        assert sorted(set(places)) == list(range(theirs))
    else:
        starts = [event["index"] for event in parsed(pieces) if event["type"] == "content_block_start"]
        assert starts == list(range(theirs + 1))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_where_no_round_may_follow_the_answer_ends_without_our_call(protocol: Protocol) -> None:
    said_ = answer(protocol, ASKED, says="I look. ")
    pieces, round_ = streamed(protocol, said_, Shown(), may_go_on=False)
    body, _ = taken(protocol, TOOL, json.dumps(whole(said_)).encode(), Shown(), may_go_on=False)
    ends = json.dumps(parsed(pieces)), body.decode()
    assert not round_.goes_on
    for end in ends:
        assert "ours" not in end
        assert ('"end_turn"' if protocol == "anthropic.messages" else '"stop"') in end.replace('": "', '":"')


def test_thoughts_go_with_our_call_and_texts_that_the_client_has_do_not() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    call = {"type": "tool_use", "id": "t", "name": TOOL, "input": {}}
    body = {"content": [thought, {"type": "text", "text": "I look."}, call], "stop_reason": "tool_use"}
    _, round_ = taken("anthropic.messages", TOOL, json.dumps(body).encode(), Shown(), may_go_on=True)
    assert round_.message["content"] == body["content"]
    assert round_.aside["content"] == [thought, call]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_was_fetched_stands_before_the_answer_until_the_client_changes_what_was_before_it(
    protocol: Protocol,
) -> None:
    asked = [said("user", "one")]
    fetched = [called(protocol, "", [("t", "x")]), *answered(protocol, [("t", "what it says")])]
    state = with_round(State(), asked, fetched)
    later = [*asked, said("assistant", "two"), said("user", "three")]
    assert with_rounds(later, state) == [*asked, *fetched, *later[1:]]
    assert with_rounds(asked, state) == asked
    assert with_rounds([said("user", "other"), *later[1:]], state) == [said("user", "other"), *later[1:]]
    again = with_round(with_round(state, later, fetched), asked, fetched)
    assert [one.at for one in again.rounds] == [1, 3]


def test_of_rounds_no_more_is_remembered_than_a_state_should_bear() -> None:
    long = [said("assistant", "x" * (MOST // 2 + 1))]
    state = with_round(State(), [said("user", "one")], long)
    assert with_round(state, [said("user", "one"), said("user", "two")], long) == state


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_is_told_the_results_in_its_own_protocol(protocol: Protocol) -> None:
    _, round_ = streamed(protocol, answer(protocol, ASKED), Shown())
    (message,) = results_of(protocol, round_.ours, ["line 8"])
    assert "line 8" in json.dumps(message)
    assert round_.ours[0].id in json.dumps(message)
