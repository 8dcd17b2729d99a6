"""What is known of a conversation between two requests: what was taken out of it, so that it is taken out the same way
again. Pure, frozen, and JSON by `msgspec`: whoever calls keeps it, by session and first message.
"""

from __future__ import annotations

from msgspec import Struct

from routing.wire.bodies import Body

Line = tuple[str, str]  # by what it is known, and what is written; "" where that is the same


class Notes(Struct, frozen=True):
    """What steps that were folded come to, each line by a key, so that a later one takes the place of an earlier one of
    the same. The first five are kept whole, the others to a bound: what falls out is behind the history."""

    said: tuple[Line, ...] = ()  # by the user, in words
    agreed: tuple[Line, ...] = ()  # what was asked, and the short answer
    decided: tuple[Line, ...] = ()
    open: tuple[Line, ...] = ()
    plan: tuple[Line, ...] = ()  # the list of a tool that keeps one: its last state
    done: tuple[Line, ...] = ()  # calls that change something
    touched: tuple[Line, ...] = ()  # paths and queries, and what was done with each last
    errors: tuple[Line, ...] = ()
    told: tuple[Line, ...] = ()  # to the user
    names: tuple[Line, ...] = ()
    asked: str = ""  # the model's last question, while it has no answer


class Stub(Struct, frozen=True, array_like=True):
    """A result that is never sent: the call it answers, the hash of its text, and what is sent for it."""

    call: str
    digest: str
    text: str
    sha256: str  # of its blob


class Fold(Struct, frozen=True):
    """The messages that one block of notes stands for: how many of the client's after the first ones, their
    fingerprint, what is sent for them, how many of them are sent as they are behind that, and their history's hash."""

    messages: int
    fingerprint: str
    text: str
    pinned: int
    notes: Notes
    history: str


class Round(Struct, frozen=True, array_like=True):
    """What a model fetched before it answered, which its client never saw: messages that stand before the one at `at`,
    where those before it have the fingerprint `behind`."""

    at: int
    behind: str
    messages: list[Body]


class State(Struct, frozen=True):
    """Of one conversation. `sent` messages with the fingerprint `last` were in the last prompt, of `sent_tokens` tokens
    where the client's own had `came_tokens`; `held` is the rent of what could have been taken out since the last cut
    (routing.compression.policy). `calls` are requests that said something new, `rounds` are of
    the client's own messages, the earliest first."""

    stubs: tuple[Stub, ...] = ()
    fold: Fold | None = None
    is_offered: bool = False  # the tool that fetches is among the tools
    calls: int = 0
    sent: int = 0
    last: str = ""
    sent_tokens: int = 0
    came_tokens: int = 0
    came_nanousd: int = 0  # what all requests would have cost as they came
    held: int = 0
    saved_tokens: int = 0
    saved_nanousd: int = 0
    rounds: tuple[Round, ...] = ()
