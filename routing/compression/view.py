"""A client's request as it is sent: what was taken out before is taken out again, byte for byte. Pure.

A client keeps its own messages and sends them all each time, or goes on from what we made of them: both are understood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from routing.compression import block
from routing.compression.blobs import Hole
from routing.compression.state import Fold, State, Stub
from routing.compression.steps import (
    SYSTEM,
    Message,
    as_content,
    boundaries,
    content_of,
    fingerprint,
    read,
    with_content,
)
from routing.contracts import Protocol
from routing.wire.bodies import Body, objects_of
from routing.wire.prompts import texts, texts_of

Count = Callable[[str], int]  # the tokens of a text
SHORTEST = 1_000  # characters: shorter results are never replaced


@dataclass(slots=True)
class View:
    """Messages as they are sent, what each says, and where the notes stand: from `head` up to `behind`. A message at or
    after `behind` is `shift` places further on with the client."""

    protocol: Protocol
    came: list[Body]
    messages: list[Body]
    said: list[Message]
    head: int
    behind: int
    shift: int
    free: list[int]  # between which messages may be cut
    stubs: dict[tuple[str, str], Stub]  # by call, and by the hash of the result or the stub itself

    def replace(self, at: int, message: Body) -> None:
        """Send another message in the place of one."""
        self.messages[at] = message
        self.said[at] = read(self.protocol, message)

    def holes(self, start: int, end: int) -> tuple[Hole, ...]:
        """The results that are stubs, of messages from `start` to `end`."""
        return tuple(
            Hole(at - start, result.place, stub.sha256)
            for at in range(start, end)
            for result in self.said[at].results
            if (stub := self.stubs.get((result.id, result.text or ""))) is not None
        )


def look(protocol: Protocol, body: Body, state: State) -> tuple[View, State]:
    """A request as it is sent with what is known, and what is still true of that: a client that went back behind what
    was folded begins anew."""
    came = objects_of(body.get("messages"))
    said = [read(protocol, message) for message in came]
    free = boundaries(said)
    head = _behind_others(came, _head(said, free), state.fold)
    place = _place(came, said, head, state.fold)
    if place is None:
        state = State(stubs=state.stubs, is_offered=state.is_offered, calls=state.calls, rounds=state.rounds)
    covered, rendered = place or (0, [])
    messages = [*came[:head], *rendered, *came[head + covered :]]
    if place != (0, []):
        told = [read(protocol, message) for message in rendered]
        said = [*said[:head], *told, *said[head + covered :]]
        free = boundaries(said)
    view = View(protocol, came, messages, said, head, head + len(rendered), covered - len(rendered), free, {})
    for stub in state.stubs:
        know(view, stub)
    _stub(view)
    return view, state


def know(view: View, stub: Stub) -> None:
    """Remember a stub, by what it stands for and by itself."""
    view.stubs[stub.call, stub.digest] = view.stubs[stub.call, stub.text] = stub


def digest_of(text: str) -> str:
    """The hash by which the text of a result is known: of those that nobody can find a second text for, the one that is
    computed fastest, for it is with each request."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def _stub(view: View) -> None:
    """Replace the results that are never sent."""
    if not view.stubs:
        return
    for at, said in enumerate(view.said):
        for result in said.results:
            if result.text is None or len(result.text) < SHORTEST or (result.id, result.text) in view.stubs:
                continue
            if (stub := view.stubs.get((result.id, digest_of(result.text)))) is not None:
                before = content_of(view.messages[at], result.place)
                view.replace(at, with_content(view.messages[at], result.place, as_content(stub.text, before)))


def _head(said: Sequence[Message], free: Sequence[int]) -> int:
    """How many messages come first and always stay: the system's, and the user's first words."""
    at = 0
    while at < len(said) and (said[at].role in SYSTEM or said[at].is_words):
        at += 1
    return max(place for place in free if place <= at)


def _behind_others(came: Sequence[Body], head: int, fold: Fold | None) -> int:
    """Past notes of which nothing is known any more: they stay as they are."""
    while head < len(came) and block.is_notes(came[head]) and (fold is None or came[head]["content"] != fold.text):
        head += 1
    return head


def _place(came: list[Body], said: Sequence[Message], head: int, fold: Fold | None) -> tuple[int, list[Body]] | None:
    """How many messages from `head` on the notes stand for, and what is sent for them: a client's own, or the notes
    themselves where it has them already. (0, []) without notes; None where they do not belong to these messages."""
    if fold is None:
        return 0, []
    end = head + fold.messages
    if end < len(came) and fingerprint(came[head:end]) == fold.fingerprint:
        pinned = [came[at] for at in range(head, end) if said[at].is_pinned]
        return fold.messages, block.messages(fold.text, pinned, said[end].role)
    if head < len(came) and came[head].get("content") == fold.text:
        end = head + 1 + fold.pinned
        end += end < len(came) and came[end] == block.GO_ON
        return end - head, came[head:end]
    return None


class Meter:
    """Tokens of messages, each counted once."""

    def __init__(self, protocol: Protocol, count: Count) -> None:
        self._protocol, self._count = protocol, count
        self._known: dict[int, tuple[Body, int]] = {}

    def of(self, messages: Sequence[Body]) -> int:
        """What these messages are."""
        known, total = self._known, 0
        for message in messages:
            found = known.get(id(message))  # kept with it, so that no other takes its id
            if found is None:
                found = known[id(message)] = message, sum(map(self._count, texts_of(message)))
            total += found[1]
        return total

    def frame(self, body: Body) -> int:
        """What stands around the messages: system prompt, tools, schema."""
        return sum(map(self._count, texts(self._protocol, {**body, "messages": []})))
