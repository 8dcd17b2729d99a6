"""A client's request as it is sent: what was taken out before is taken out again, byte for byte. Pure.

A client keeps its own messages and sends them all each time, or goes on from what we made of them: both are understood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from msgspec import Struct

from routing.compression import block
from routing.compression.blobs import Hole
from routing.compression.state import Fold, State, Stub
from routing.compression.steps import (
    SYSTEM,
    Message,
    Result,
    Running,
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


class Seen(Struct, frozen=True):
    """The last request of a conversation as it was read, so that what comes again is neither read nor hashed again:
    nothing that the request would not say itself. `digests` are of long results, by message and place; `fold` is the
    fingerprint of the messages between two places; `tokens` are each message's, as `count` counts; `sent` is the
    hash of what was sent of it, with the `state` that it left."""

    came: list[Body]
    said: list[Message]
    digests: dict[tuple[int, int], str]
    fold: tuple[str, int, int] | None = None
    tokens: Sequence[int] = ()
    count: Count | None = None
    state: State | None = None
    sent: Running | None = None

    def same(self, came: Sequence[Body]) -> int:
        """How many of the first messages it has seen."""
        if came[: len(self.came)] == self.came:  # as a rule, and fastest
            return len(self.came)
        pairs = enumerate(zip(self.came, came, strict=False))
        return next((at for at, (old, new) in pairs if old != new), len(came))


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
    seen: Seen
    same: int  # of the first messages that came, which were seen before

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


def look(protocol: Protocol, body: Body, state: State, seen: Seen | None = None) -> tuple[View, State]:
    """A request as it is sent with what is known, and what is still true of that: a client that went back behind what
    was folded begins anew. `seen` is the request before it, where somebody remembers that."""
    came = objects_of(body.get("messages"))
    same = seen.same(came) if seen else 0
    of_came = said = [*(seen.said[:same] if seen else ()), *(read(protocol, message) for message in came[same:])]
    free = boundaries(said)
    head = _behind_others(came, _head(said, free), state.fold)
    folded = _folded(came, head, state.fold, seen.fold if seen and seen.fold and seen.fold[2] <= same else None)
    place = _place(came, said, head, state.fold, is_folded=folded is not None)
    if place is None:
        state = State(stubs=state.stubs, is_offered=state.is_offered, calls=state.calls, rounds=state.rounds)
    covered, rendered = place or (0, [])
    messages = [*came[:head], *rendered, *came[head + covered :]]
    if place != (0, []):
        told = [read(protocol, message) for message in rendered]
        said = [*said[:head], *told, *said[head + covered :]]
        free = boundaries(said)
    known = {at: digest for at, digest in seen.digests.items() if at[0] < same} if seen else {}
    now_seen = Seen(came, of_came, known, folded)
    behind, shift = head + len(rendered), covered - len(rendered)
    view = View(protocol, came, messages, list(said), head, behind, shift, free, {}, now_seen, same)
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
            if (stub := view.stubs.get((result.id, _digest(view, at, result)))) is not None:
                before = content_of(view.messages[at], result.place)
                view.replace(at, with_content(view.messages[at], result.place, as_content(stub.text, before)))


def _digest(view: View, at: int, result: Result) -> str:
    """The hash of a result of a client's own message, remembered for its next request."""
    if view.head <= at < view.behind:
        return digest_of(result.text or "")
    place = (at if at < view.head else at + view.shift, result.place)
    found = view.seen.digests.get(place)
    if found is None:
        found = view.seen.digests[place] = digest_of(result.text or "")
    return found


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


def _folded(
    came: list[Body], head: int, fold: Fold | None, before: tuple[str, int, int] | None
) -> tuple[str, int, int] | None:
    """Between which messages of a client's those stand that were folded, by their fingerprint; None where they do not.
    `before` says so of a request whose messages up to there were the same."""
    if fold is None:
        return None
    end = head + fold.messages
    place = fold.fingerprint, head, end
    is_so = end < len(came) and (place == before or fingerprint(came[head:end]) == fold.fingerprint)
    return place if is_so else None


def _place(
    came: list[Body], said: Sequence[Message], head: int, fold: Fold | None, *, is_folded: bool
) -> tuple[int, list[Body]] | None:
    """How many messages from `head` on the notes stand for, and what is sent for them: a client's own, or the notes
    themselves where it has them already. (0, []) without notes; None where they do not belong to these messages."""
    if fold is None:
        return 0, []
    if is_folded:
        end = head + fold.messages
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

    def know(self, messages: Sequence[Body], tokens: Sequence[int]) -> None:
        """What messages are that were counted before."""
        self._known |= {id(message): (message, one) for message, one in zip(messages, tokens, strict=False)}

    def of(self, messages: Sequence[Body]) -> int:
        """What these messages are."""
        return sum(self.each(messages))

    def each(self, messages: Sequence[Body]) -> list[int]:
        """What each of them is."""
        known, found = self._known, []
        for message in messages:
            one = known.get(id(message))  # kept with it, so that no other takes its id
            if one is None:
                said = texts_of(message)
                tokens = self._count(said[0]) if len(said) == 1 else sum(map(self._count, said))
                one = known[id(message)] = message, tokens
            found.append(one[1])
        return found

    def frame(self, body: Body) -> int:
        """What stands around the messages: system prompt, tools, schema."""
        return sum(map(self._count, texts(self._protocol, {**body, "messages": []})))
