"""Was every acknowledged event kept, exactly once? Pure: what clients noted down is held against what is there.

Each client notes for each event that it begins to send it (`invoke`) and how each attempt ended: `ok`, acknowledged;
`fail`, refused for good, so surely not stored; `unknown`, no answer, or one that promises nothing. An event whose end
is unknown may be there or not, but never twice. The method is that of Jepsen and of Kafka's system tests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["invoke", "ok", "fail", "unknown"]
Note = tuple[Outcome, str]


class BrokenHistory(ValueError):
    """A client noted the end of something that it never began: the test is wrong, not the product."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """LOST: acknowledged and not there. DUP: there more than once. PHANTOM: there, though never sent or only refused.
    `torn`: batches of which a part is there, though one batch is one transaction."""

    lost: frozenset[str]
    dup: frozenset[str]
    phantom: frozenset[str]
    torn: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether all is well."""
        return not (self.lost or self.dup or self.phantom or self.torn)

    def __str__(self) -> str:
        parts = {"LOST": self.lost, "DUP": self.dup, "PHANTOM": self.phantom, "TORN": self.torn}
        return " ".join(f"{name}={len(events)}" for name, events in parts.items())


def check(
    history: Iterable[Note], present: Mapping[str, int], *, batches: Mapping[str, Collection[str]] | None = None
) -> Verdict:
    """The verdict on `present`, how often each event is there. `batches` are events that were always sent together.
    Raises BrokenHistory."""
    ends: dict[str, set[Outcome]] = {}
    for outcome, event in history:
        if outcome == "invoke":
            ends.setdefault(event, set())
        elif event in ends:
            ends[event].add(outcome)
        else:
            raise BrokenHistory(f"{event} ended ({outcome}) before it was sent")
    there = {event for event, times in present.items() if times}
    return Verdict(
        lost=frozenset(event for event, seen in ends.items() if "ok" in seen and event not in there),
        dup=frozenset(event for event, times in present.items() if times > 1),
        phantom=frozenset(event for event in there if ends.get(event, {"fail"}) == {"fail"}),
        torn=frozenset(name for name, events in (batches or {}).items() if 0 < len(there & set(events)) < len(events)),
    )
