"""An answer that comes in rounds: the model calls a tool of ours, gets its result, and goes on. Pure.

A client that is sent a stream sees one answer, with the id and the usage of the round that began it: the others are
calls of their own, which no transcript of the client's knows of.
"""

from __future__ import annotations

from typing import Protocol as Shape

from msgspec import Struct

from routing.contracts import ToolCall
from routing.wire.bodies import Body


class Shown(Struct, frozen=True):
    """What a client was shown of an answer by the rounds before this one. Of a stream, once anything was: under which
    id, how many blocks or calls, and the usage that was kept back. Of one that is not streamed the texts, which it is
    shown with the last round."""

    is_begun: bool = False
    id: str = ""
    blocks: int = 0
    calls: int = 0
    usage: Body | None = None
    texts: tuple[str, ...] = ()


class Said(Struct, frozen=True, kw_only=True):
    """A round that is over. `ours` are the calls of our tool. `goes_on`: there are no others, so that the model waits
    for nobody but us. `message` is what the model said, whole; `aside` is that without what the client got: its
    thoughts, which a provider may want back before each call, and the calls of ours."""

    ours: tuple[ToolCall, ...]
    goes_on: bool
    message: Body
    aside: Body
    shown: Shown


class Hiding(Shape):
    """Takes our calls out of one round of a stream."""

    @property
    def is_visible(self) -> bool:
        """Whether anything came that the client should see."""

    @property
    def goes_on(self) -> bool:
        """Whether the round has ended, and another one follows."""

    def feed(self, piece: bytes) -> bytes:
        """What the client gets of some whole events."""

    def said(self) -> Said:
        """What the round came to."""
