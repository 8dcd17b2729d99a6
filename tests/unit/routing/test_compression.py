"""Whatever a conversation is: no call parts from its results, what was sent stays as it was, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import chain

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routing.compression.compress import Outcome, TakesLong, compress
from routing.compression.policy import Policy, Prices
from routing.compression.restoring import restored
from routing.compression.state import State
from routing.compression.steps import read, unpaired
from routing.compression.view import Seen
from routing.contracts import Protocol
from tests.conversations import PROTOCOLS, Message, answered, called, conversations, printed, request, said

PRICES = Prices(cache_write=3_750_000_000, cache_read=300_000_000)
EAGER = Policy(session_tokens=600, turns=3, result_tokens=400, keep_steps=2, keep_tokens=300)  # whatever it costs
PRICED = Policy(session_tokens=600, turns=3, result_tokens=400, keep_steps=2, keep_tokens=300, prices=PRICES)
POLICIES = st.sampled_from((EAGER, PRICED))
Kept = dict[str, bytes]


def count(text: str) -> int:
    """Tokens, near enough."""
    return len(text) // 4 + 1


def bytes_of(value: object) -> str:
    """A value as it is sent."""
    return json.dumps(value, ensure_ascii=False)


@st.composite
def both(draw: st.DrawFn) -> tuple[Protocol, list[list[Message]]]:
    """A conversation in either protocol."""
    protocol = draw(st.sampled_from(PROTOCOLS))
    return protocol, draw(conversations(protocol))


def walk(
    protocol: Protocol, turns: list[list[Message]], policy: Policy, kept: Kept, *, keeps_ours: bool = False
) -> Iterator[tuple[Message, Outcome]]:
    """Every request of a conversation, and what becomes of it. A client sends its own messages each time, or goes on
    from those that it was given."""
    state, messages = State(), list[Message]()
    for turn in turns:
        messages = [*messages, *turn]
        body = request(protocol, messages)
        outcome = compress(protocol, body, state, policy, count=count)
        state = msgspec.json.decode(msgspec.json.encode(outcome.state), type=State)
        for blob in outcome.blobs:
            assert hashlib.sha256(blob.content).hexdigest() == blob.sha256
            kept[blob.sha256] = blob.content
        yield body, outcome
        if keeps_ours:
            messages = outcome.body["messages"]


def pairs_of(protocol: Protocol, messages: list[Message]) -> tuple[set[str], set[str]]:
    """Results without a call, and calls without a result."""
    orphans, open_ = unpaired([read(protocol, message) for message in messages])
    return set(orphans), set(open_)


@given(both(), POLICIES, st.booleans())
def test_no_call_parts_from_its_results(
    made: tuple[Protocol, list[list[Message]]], policy: Policy, keeps_ours: bool
) -> None:
    protocol, turns = made
    for body, outcome in walk(protocol, turns, policy, {}, keeps_ours=keeps_ours):
        before, after = (pairs_of(protocol, one["messages"]) for one in (body, outcome.body))
        assert after[0] <= before[0]
        assert after[1] <= before[1]


@given(both())
def test_a_client_that_keeps_our_messages_is_given_the_same_as_one_that_keeps_its_own(
    made: tuple[Protocol, list[list[Message]]],
) -> None:
    ours, theirs = (walk(*made, EAGER, {}, keeps_ours=keeps) for keeps in (True, False))
    for (_, one), (_, other) in zip(ours, theirs, strict=True):
        assert bytes_of(one.body["messages"]) == bytes_of(other.body["messages"])


@given(both(), POLICIES, st.booleans())
def test_what_was_made_shorter_is_not_made_shorter_again(
    made: tuple[Protocol, list[list[Message]]], policy: Policy, knows: bool
) -> None:
    protocol, turns = made
    for _, outcome in walk(protocol, turns, policy, {}):
        state = outcome.state if knows else State()
        again = compress(protocol, outcome.body, state, policy, count=count)
        assert bytes_of(again.body) == bytes_of(outcome.body)
        assert again.changes == ()


def altered(message: Message) -> Message:
    """The same, but that other words are said."""
    content = message["content"]
    if isinstance(content, str) or content is None:
        return {**message, "content": f"{content or ''}"[::-1] + "!"}
    words = [name for name in ("text", "content") if isinstance(content[-1].get(name), str)]
    return {**message, "content": [*content[:-1], {**content[-1], **{name: content[-1][name][::-1] for name in words}}]}


@given(both(), POLICIES, st.booleans(), st.integers(0, 50), st.booleans())
@settings(max_examples=100)
def test_what_was_seen_of_the_last_request_changes_nothing(
    made: tuple[Protocol, list[list[Message]]], policy: Policy, keeps_ours: bool, edited: int, drops: bool
) -> None:
    protocol, turns = made
    state, before = State(), State()
    seen: Seen | None = None

    def changes_nothing(body: Message, known: State) -> None:
        plain, quick = (compress(protocol, body, known, policy, count=count, seen=each) for each in (None, seen))
        assert replace(quick, seen=None) == replace(plain, seen=None)

    for body, outcome in walk(protocol, turns, policy, {}, keeps_ours=keeps_ours):
        for known in (State(), before):  # another process went on with it, or it has expired
            changes_nothing(body, known)
        messages = body["messages"]
        longest = max(range(len(messages)), key=lambda at: len(bytes_of(messages[at])))
        place = edited % len(messages) if edited % 2 else longest
        other = [] if drops else [altered(messages[place])]
        for sent in (messages, [*messages[:place], *other, *messages[place + 1 :]]):
            changes_nothing(msgspec.json.decode(bytes_of({**body, "messages": sent})), state)
        quick = compress(protocol, body, state, policy, count=count, seen=seen)
        assert replace(quick, seen=None) == replace(outcome, seen=None)
        before, state, seen = state, quick.state, quick.seen  # that state: of no other it is known what was sent


@given(both(), POLICIES)
def test_who_is_to_be_brief_comes_to_the_same_or_says_that_it_takes_long(
    made: tuple[Protocol, list[list[Message]]], policy: Policy
) -> None:
    protocol, turns = made
    state, seen = State(), None
    for body, outcome in walk(protocol, turns, policy, {}):
        try:
            brief = compress(protocol, body, state, policy, count=count, seen=seen, is_brief=True)
        except TakesLong:
            pass
        else:
            assert replace(brief, seen=None) == replace(outcome, seen=None)
            assert brief.changes == ()
        state, seen = outcome.state, outcome.seen


@given(both(), POLICIES)
def test_the_same_request_is_sent_the_same_way_twice(
    made: tuple[Protocol, list[list[Message]]], policy: Policy
) -> None:
    protocol, turns = made
    for body, outcome in walk(protocol, turns, policy, {}):
        again = compress(protocol, body, outcome.state, policy, count=count)
        assert bytes_of(again.body) == bytes_of(outcome.body)
        assert (again.state, again.blobs) == (outcome.state, ())


@given(both(), POLICIES)
def test_what_was_sent_stays_as_it_was_until_a_cut_that_is_told(
    made: tuple[Protocol, list[list[Message]]], policy: Policy
) -> None:
    protocol, turns = made
    before: Message = {}
    for _, outcome in walk(protocol, turns, policy, {}):
        if before and "offer" not in outcome.changes:
            assert bytes_of(outcome.body["tools"]) == bytes_of(before["tools"])
            if "fold" not in outcome.changes:
                start = outcome.body["messages"][: len(before["messages"])]
                assert bytes_of(start) == bytes_of(before["messages"])
        before = outcome.body


@given(both(), POLICIES)
def test_all_that_was_left_out_can_be_put_back_byte_for_byte(
    made: tuple[Protocol, list[list[Message]]], policy: Policy
) -> None:
    protocol, turns = made
    kept: Kept = {}
    for body, outcome in walk(protocol, turns, policy, kept):
        back = restored(protocol, outcome.body, outcome.state, kept.get)
        assert bytes_of(back) == bytes_of(body["messages"])


@given(both(), POLICIES)
def test_of_a_client_that_keeps_our_messages_all_can_be_put_back_too(
    made: tuple[Protocol, list[list[Message]]], policy: Policy
) -> None:
    protocol, turns = made
    kept: Kept = {}
    came: list[Message] = []
    for turn, (_, outcome) in zip(turns, walk(protocol, turns, policy, kept, keeps_ours=True), strict=True):
        came += turn
        assert bytes_of(restored(protocol, outcome.body, outcome.state, kept.get)) == bytes_of(came)


@given(both(), POLICIES)
def test_no_request_becomes_longer(made: tuple[Protocol, list[list[Message]]], policy: Policy) -> None:
    for _, outcome in walk(*made, policy, {}):
        assert outcome.saved.tokens >= 0
        assert outcome.state.sent_tokens <= outcome.state.came_tokens


@settings(max_examples=10)
@given(both())
def test_a_request_that_came_is_never_changed(made: tuple[Protocol, list[list[Message]]]) -> None:
    protocol, turns = made
    before = bytes_of(turns)
    assert [len(body["tools"]) for body, _ in walk(protocol, turns, EAGER, {})] == [1] * len(turns)
    assert bytes_of(turns) == before


@settings(max_examples=30)
@given(both(), st.sampled_from((0, 5)))
def test_the_money_that_is_told_is_what_a_cache_would_charge_and_never_below_its_credit(
    made: tuple[Protocol, list[list[Message]]], credit: int
) -> None:
    policy = msgspec.structs.replace(PRICED, credit_percent=credit)
    ours, theirs, spent = _Cache(), _Cache(), 0
    for body, outcome in walk(*made, policy, {}):
        theirs_now, ours_now = theirs.charge(body), ours.charge(outcome.body)
        assert abs(theirs_now - ours_now - (outcome.saved.nanousd or 0)) < 2
        spent += theirs_now
        assert outcome.state.saved_nanousd * 100 >= -credit * spent - 200


class _Cache:
    """A provider's: it keeps what a request begins with as the one before did, message by message."""

    def __init__(self) -> None:
        self.units: list[tuple[str, int]] = []

    def charge(self, body: Message) -> int:
        """What a request costs."""
        frame = [(bytes_of(tool), count(msgspec.json.encode(tool).decode())) for tool in body["tools"]]
        units = [("", sum(size for _, size in frame)), *(_unit(message) for message in body["messages"])]
        units[0] = (bytes_of(body["tools"]), units[0][1])
        common = next((at for at, (a, b) in enumerate(zip(units, self.units, strict=False)) if a != b), len(self.units))
        self.units = units
        kept = sum(size for _, size in units[:common])
        tokens = sum(size for _, size in units)
        return (PRICES.cache_write * (tokens - kept) + PRICES.cache_read * kept) // 1_000_000


def _unit(message: Message) -> tuple[str, int]:
    return bytes_of(message), sum(map(count, _texts(message)))


def _texts(message: Message) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else []:
        if part.get("text"):
            yield part["text"]
        if part["type"] == "tool_use":
            yield from (part["name"], msgspec.json.encode(part["input"]).decode())
        if part["type"] == "tool_result":
            yield from _texts(part)
    for call in message.get("tool_calls", ()):
        yield from (call["function"]["name"], call["function"]["arguments"])


def reading(protocol: Protocol, steps: int, text: str = "Reading.") -> list[list[Message]]:
    """A conversation in which the model reads one file after the other."""
    turns = [[said("user", "Find the leak. Never restart db-7.")]]
    for number in range(steps):
        call = called(protocol, f"{text} I decided on step {number}.", [(f"c{number}", f"src/f{number}.py")])
        turns.append([call, *answered(protocol, [(f"c{number}", printed(number, 10))])])
    return turns


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_two_cuts_in_a_row_keep_what_the_first_one_knew(protocol: Protocol) -> None:
    turns, kept = reading(protocol, 30), Kept()
    outcomes = [outcome for _, outcome in walk(protocol, turns, EAGER, kept)]
    assert sum("fold" in outcome.changes for outcome in outcomes) > 2
    notes = bytes_of(outcomes[-1].body)
    assert all(f"I decided on step {number}." in notes for number in range(30))
    back = restored(protocol, outcomes[-1].body, outcomes[-1].state, kept.get)
    assert bytes_of(back) == bytes_of(list(chain(*turns)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_that_was_interrupted_at_the_end_stays_where_it_is(protocol: Protocol) -> None:
    messages = [*chain(*reading(protocol, 12)), called(protocol, "Reading.", [("last", "a.py")])]
    outcome = compress(protocol, request(protocol, messages), State(), EAGER, count=count)
    assert "fold" in outcome.changes
    assert outcome.body["messages"][-1] == messages[-1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_that_went_back_behind_a_cut_is_sent_what_it_says(protocol: Protocol) -> None:
    turns = reading(protocol, 12)
    outcome = list(walk(protocol, turns, EAGER, {}))[-1][1]
    assert outcome.state.fold is not None
    other = request(protocol, [*turns[0], *turns[1], *turns[3]])
    back = compress(protocol, other, outcome.state, EAGER, count=count)
    assert back.body["messages"] == other["messages"]
    assert back.state.fold is None


def test_cache_breakpoints_that_move_are_no_other_messages() -> None:
    turns = reading("anthropic.messages", 12)
    outcome = list(walk("anthropic.messages", turns, EAGER, {}))[-1][1]
    messages = list(chain(*turns))
    words = {"type": "text", "text": messages[0]["content"], "cache_control": {"type": "ephemeral"}}
    messages[0] = {"role": "user", "content": [words]}
    again = compress("anthropic.messages", request("anthropic.messages", messages), outcome.state, EAGER, count=count)
    assert again.changes == ()
    assert again.body["messages"] == [messages[0], *outcome.body["messages"][1:]]


def test_what_is_neither_a_chat_nor_messages_is_left_alone() -> None:
    body = {"model": "m", "input": "x" * 100_000}
    assert compress("openai.responses", body, State(), EAGER, count=count).body is body


def test_a_conversation_that_is_short_is_sent_as_it_came() -> None:
    body = request("openai.chat", [said("user", "Hello")])
    outcome = compress("openai.chat", body, State(), Policy(prices=PRICES), count=count)
    assert outcome.body is body
    assert outcome.saved.nanousd == 0
