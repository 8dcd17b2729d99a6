"""The messages as they came, from what was sent: the proof that nothing is lost. Pure."""

from __future__ import annotations

import msgspec

from routing.compression import blobs
from routing.compression.blobs import Find
from routing.compression.block import GO_ON
from routing.compression.state import State
from routing.compression.steps import read, with_content
from routing.contracts import Protocol
from routing.wire.bodies import Body, objects_of


def restored(protocol: Protocol, body: Body, state: State, find: Find) -> list[Body]:
    """The messages that a request had before anything was left out of it, but for cache breakpoints of clients. Raises
    Lost where a blob is gone."""
    sent = objects_of(body.get("messages"))
    stubs = {(stub.call, stub.text): stub for stub in state.stubs}
    messages: list[Body] = []
    for message in _unfolded(sent, state, find):
        whole = message
        for result in read(protocol, message).results:
            if (stub := stubs.get((result.id, result.text or ""))) is not None:
                whole = with_content(whole, result.place, msgspec.json.decode(blobs.fetch(find, stub.sha256)))
        messages.append(whole)
    return messages


def _unfolded(sent: list[Body], state: State, find: Find) -> list[Body]:
    """Messages with those that notes stand for in their place."""
    fold = state.fold
    at = next((at for at, message in enumerate(sent) if fold and message.get("content") == fold.text), None)
    if fold is None or at is None:
        return sent
    history = [message for step in blobs.history(find, fold.history) for message in step]
    behind = at + 1 + fold.pinned
    behind += sent[behind : behind + 1] == [GO_ON]
    return [*sent[:at], *history, *sent[behind:]]
