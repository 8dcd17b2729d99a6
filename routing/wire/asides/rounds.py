"""What hiding our calls has alike in every protocol: one round of a stream, and what the client has of it. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod

from routing.wire.asides.shown import Shown
from routing.wire.bodies import Body

END = b"\n\n"  # of an event


class Round(ABC):
    """One round. `may_go_on`: another one may follow it."""

    def __init__(self, tool: str, shown: Shown, *, may_go_on: bool) -> None:
        self._tool, self._before, self._may_go_on = tool, shown, may_go_on
        self._places: dict[int, int | None] = {}  # of the client's parts where they stand for it; None: ours
        self._id = shown.id if shown.is_begun else ""
        self._usage: Body | None = shown.usage
        self._has_ended = False
        self.is_visible = False

    @property
    def goes_on(self) -> bool:
        """Whether the round has ended, and another one follows."""
        return self._has_ended and self._may_go_on and self._is_ours_alone

    def feed(self, piece: bytes) -> bytes:
        """What the client gets of some whole events."""
        return b"".join(self._passed(event) for event in piece.split(END) if event)

    @property
    def _others(self) -> int:
        """How many of its parts are the client's so far."""
        return sum(place is not None for place in self._places.values())

    @property
    @abstractmethod
    def _is_ours_alone(self) -> bool:
        """Whether it calls our tool, and no other."""

    @abstractmethod
    def _passed(self, event: bytes) -> bytes:
        """What the client gets of a whole event, without its end."""
