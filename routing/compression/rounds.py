"""What a model fetched between a client's request and the answer: sent again with each later one. Pure.

The client never saw it. Without it a model would not know any more what it has just read, and fetch it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from routing.compression.state import Round, State
from routing.compression.steps import fingerprint, fingerprints
from routing.wire.bodies import Body, as_text

MOST = 200_000  # characters of a conversation's; what would be more is fetched again


def with_rounds(messages: list[Body], state: State) -> list[Body]:
    """A client's messages with what was fetched before their answers; those that it changed since have none."""
    rounds = [one for one in state.rounds if one.at < len(messages) and messages[one.at].get("role") == "assistant"]
    if not rounds:
        return messages
    found = fingerprints(messages, {one.at for one in rounds})
    whole: list[Body] = []
    start = 0
    for one in rounds:
        if found[one.at] == one.behind:
            whole += [*messages[start : one.at], *one.messages]
            start = one.at
    return [*whole, *messages[start:]]


def with_round(state: State, messages: Sequence[Body], fetched: list[Body]) -> State:
    """A state that knows what was fetched before the answer to a client's messages."""
    others = [one for one in state.rounds if one.at != len(messages)]
    if _size(fetched) + sum(_size(one.messages) for one in others) > MOST:
        return state
    made = Round(len(messages), fingerprint(messages), fetched)
    return replace(state, rounds=tuple(sorted([*others, made], key=lambda one: one.at)))


def _size(messages: Sequence[Body]) -> int:
    return sum(len(as_text(message)) for message in messages)
