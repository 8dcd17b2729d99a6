"""What becomes of tonight's findings beside what was found and decided before. Pure.

Found again, a proposal stays the one that it was: patterns drift from night to night, so two are the same where their
telling words are. What a person dismissed comes back only once there is twice the evidence that there was then; what
was accepted stays as it was accepted; what nobody decided on and is not found any more goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from skills.concierge.patterns import alike

GROWN = 2  # times the evidence that there was when it was dismissed
LEAST = 10  # evidence that is taken for what there was at least, so that a few more are not twice as many
SAME = 0.5  # how much alike two gaps' words are, from which they are one
Words = tuple[tuple[str, float], ...]
State = Literal["open", "accepted", "dismissed"]


class Found(Struct, frozen=True, kw_only=True):
    """A finding: `words` are a gap's; `weight` is how much evidence there is; `document` what a page shows."""

    kind: str
    key: str
    weight: int
    document: dict[str, Any]
    words: Words = ()


class Known(Struct, frozen=True, kw_only=True):
    """One that is kept."""

    id: int
    kind: str
    key: str
    state: State
    weight: int
    decided_weight: int
    document: dict[str, Any]
    words: Words = ()


class Settled(Struct, frozen=True):
    """What is to be written: those that are new, what known ones are now (and open from now on), and which go."""

    new: tuple[Found, ...] = ()
    changed: tuple[tuple[int, Found], ...] = ()
    gone: tuple[int, ...] = ()


def settle(found: Sequence[Found], known: Sequence[Known]) -> Settled:
    """Found twice by the same night, nothing is to be written the second time."""
    new, changed = [], []
    left = {one.id: one for one in known}
    keys = {(one.kind, one.key) for one in known}
    for one in found:
        same = _same(one, left.values())
        if same is None:
            key = _free(one, keys)
            keys.add((one.kind, key))
            new.append(Found(kind=one.kind, key=key, weight=one.weight, document=one.document, words=one.words))
        elif same.state == "open":
            left.pop(same.id)
            if (same.weight, same.document) != (one.weight, one.document):
                changed.append((same.id, one))
        elif same.state == "dismissed" and one.weight >= GROWN * max(LEAST, same.decided_weight):
            left.pop(same.id)
            changed.append((same.id, one))
    return Settled(tuple(new), tuple(changed), tuple(one.id for one in left.values() if one.state == "open"))


def _same(one: Found, known: Iterable[Known]) -> Known | None:
    """The known one that it is; of several the one that was decided, then the one that is most alike."""
    near = [
        (other.state != "open", likeness, -other.id, other)
        for other in known
        if other.kind == one.kind and (likeness := _likeness(one, other)) >= SAME
    ]
    return max(near, key=lambda found: found[:3])[3] if near else None


def _likeness(one: Found, other: Known) -> float:
    if one.words or other.words:
        return alike(one.words, other.words)
    return float(one.key == other.key)


def _free(one: Found, keys: set[tuple[str, str]]) -> str:
    """Its key, or with a number where another has it."""
    if (one.kind, one.key) not in keys:
        return one.key
    return next(key for number in range(2, len(keys) + 3) if (one.kind, key := f"{one.key} {number}") not in keys)
