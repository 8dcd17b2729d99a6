"""What was used, by what it was used for: every token and nano-dollar in exactly one place. Pure.

Cost, tokens and waste are cut by weight, on each local day for all work alike at once. Runs and calls are not cut: a
run that counts towards two key results is a run of both, and one that counts nowhere is unattributed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from telemetry.limits.attribution import Book, Found, Level, Target, Work, split


class Sums(NamedTuple):
    """What work came to. `done` and `failed` runs are those of which that is known."""

    runs: int = 0
    done: int = 0
    failed: int = 0
    calls: int = 0
    unpriced_calls: int = 0
    tokens: int = 0
    tokens_wasted: int = 0
    cost_nanousd: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(*(one + another for one, another in zip(self, other, strict=True)))


NO_USE = Sums()
Key = TypeVar("Key")


class Used(NamedTuple):
    """What work of one kind came to from `at` on, up to the next slice of time. `is_loose`: calls that belong to no
    run."""

    at: datetime
    work: Work
    sums: Sums
    is_loose: bool = False


class Left(NamedTuple):
    """What nothing names: the tag that it bears, its task type, its agent."""

    tag: str
    task_type: str
    agent: str
    is_loose: bool


@dataclass(slots=True)
class Spend:
    """What was used in a window. None stands for no objective: what nothing names, and what shares leave over."""

    total: Sums = NO_USE
    by_target: dict[Target | None, Sums] = field(default_factory=dict)
    by_slice: dict[tuple[datetime, int | None], int] = field(default_factory=dict)  # (from, objective): nano-dollars
    by_level: dict[Level, Sums] = field(default_factory=dict)
    left: dict[Left, Sums] = field(default_factory=dict)

    @property
    def unattributed(self) -> Sums:
        """What is in no objective."""
        return self.by_target.get(None, NO_USE)

    @property
    def attributed_nanousd(self) -> int:
        """What all objectives cost together."""
        return self.total.cost_nanousd - self.unattributed.cost_nanousd

    def of(self, objective: int) -> Sums:
        """What an objective and its key results came to; a run that counts towards two of them is two."""
        whole = NO_USE
        for target, sums in self.by_target.items():
            if target is not None and target.objective == objective:
                whole = whole.plus(sums)
        return whole


def distribute(used: Iterable[Used], book: Book) -> Spend:
    """All that was used, each piece where the book says that it counts."""
    spend, alike = Spend(), dict[tuple[datetime, Found], Sums]()
    for one in used:
        found = book.find(one.work)
        spend.total = spend.total.plus(one.sums)
        _add(alike, (one.at, found), one.sums)
        if not found.shares:
            _add(spend.left, Left(one.work.tag, one.work.task_type, one.work.agent, one.is_loose), one.sums)
    for (at, found), sums in sorted(alike.items(), key=lambda item: item[0]):
        _add(spend.by_level, found.level, sums)
        for target, part in _cut(sums, found).items():
            _add(spend.by_target, target, part)
            place = at, target.objective if target else None
            spend.by_slice[place] = spend.by_slice.get(place, 0) + part.cost_nanousd
    return spend


def _cut(sums: Sums, found: Found) -> Mapping[Target | None, Sums]:
    """What is cut by weight is cut; what is counted is counted for each."""
    if not found.shares:
        return {None: sums}
    cut: dict[Target | None, Sums] = {target: sums for target, _ in found.shares} | {None: NO_USE}
    for name in ("tokens", "tokens_wasted", "cost_nanousd"):
        parts, rest = split(getattr(sums, name), found)
        for target, part in (*parts, (None, rest)):
            cut[target] = cut[target]._replace(**{name: part})
    return cut if any(cut[None]) else {target: part for target, part in cut.items() if target is not None}


def _add(into: dict[Key, Sums], key: Key, sums: Sums) -> None:
    into[key] = into.get(key, NO_USE).plus(sums)
