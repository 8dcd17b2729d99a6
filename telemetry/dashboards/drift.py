"""Our figures beside a provider's: the difference by day and by model, to the nano-dollar. Pure.

Drift is ours less theirs. Models are matched by what is left of their names without the vendor's prefix, a date and
punctuation, for providers' exports write "Claude Haiku 4.5" where their API answers claude-haiku-4-5-20251001.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from telemetry.ledger.invoice_csv import Line

_DATE = re.compile(r"[-@](?:20\d{2}-?[01]\d-?[0-3]\d|latest)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ours:
    """What we say that a model cost on a day of UTC, and how many of its calls have no price."""

    day: date
    model: str
    cost_nanousd: int
    calls: int
    unpriced_calls: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of the comparison. `theirs` is None where the provider's figure is not known in such detail."""

    day: date | None
    model: str
    theirs: int | None
    ours: int
    rounding: int
    calls: int
    unpriced_calls: int

    @property
    def drift(self) -> int | None:
        """Ours less theirs, in nano-dollars."""
        return None if self.theirs is None else self.ours - self.theirs

    @property
    def percent(self) -> str:
        """The drift in percent of theirs, to 0.01; empty where theirs is nothing or not known."""
        if not self.theirs or self.drift is None:
            return ""
        exact = Decimal(self.drift) * 100 / abs(self.theirs)
        return f"{exact.quantize(Decimal('0.01'), ROUND_HALF_UP):+f}"

    @property
    def is_rounding(self) -> bool:
        """Whether the rounding of the provider's own rows explains the whole drift."""
        return bool(self.drift) and abs(self.drift or 0) <= self.rounding


def model_key(name: str) -> str:
    """What the spellings of one model have in common: its words in any order, its numbers in theirs."""
    bare = re.sub(r"\s+", "-", name.strip().lower().rsplit("/", 1)[-1]).split(":", 1)[0]
    parts = re.findall(r"[a-z][a-z0-9]*|[0-9]+[a-z0-9]*", _DATE.sub("", bare))
    return "-".join(sorted(part for part in parts if not part.isdigit()) + [part for part in parts if part.isdigit()])


def by_model(lines: Sequence[Line], ours: Sequence[Ours], *, detailed: bool) -> list[Compared]:
    """A row a model, the largest drift first. `detailed`: the provider named models; else theirs is not known."""
    return _compare(lines, ours, detailed, day=lambda _: None, order=_widest_first)


def by_day(lines: Sequence[Line], ours: Sequence[Ours], *, detailed: bool) -> list[Compared]:
    """A row a day, newest first."""
    nameless = [Line(line.day, "", line.amount_nanousd, line.rounding_nanousd) for line in lines]
    same = [Ours(one.day, "", one.cost_nanousd, one.calls, one.unpriced_calls) for one in ours]
    return _compare(nameless, same, detailed, day=lambda day: day, order=_newest_first)


def by_day_and_model(lines: Sequence[Line], ours: Sequence[Ours], *, detailed: bool) -> list[Compared]:
    """A row a day and model, newest first, within a day the largest drift first."""
    return _compare(lines, ours, detailed, day=lambda day: day, order=_newest_first)


def total(theirs: int | None, lines: Iterable[Line], ours: Iterable[Ours]) -> Compared:
    """The sum of everything, against the provider's total."""
    mine = list(ours)
    return Compared(
        day=None,
        model="",
        theirs=theirs,
        ours=sum(one.cost_nanousd for one in mine),
        rounding=sum(line.rounding_nanousd for line in lines),
        calls=sum(one.calls for one in mine),
        unpriced_calls=sum(one.unpriced_calls for one in mine),
    )


def _compare(
    lines: Sequence[Line],
    ours: Sequence[Ours],
    detailed: bool,
    *,
    day: Callable[[date], date | None],
    order: Callable[[Compared], tuple[object, ...]],
) -> list[Compared]:
    """Lines and our figures, met by day and by what their models' names have in common."""
    theirs: dict[tuple[date | None, str], list[Line]] = {}
    mine: dict[tuple[date | None, str], list[Ours]] = {}
    for line in lines:
        theirs.setdefault((day(line.day), model_key(line.model)), []).append(line)
    for one in ours:
        mine.setdefault((day(one.day), model_key(one.model)), []).append(one)
    rows = []
    for key in theirs.keys() | mine.keys():
        their_lines, our_lines = theirs.get(key, []), mine.get(key, [])
        names = {line.model for line in their_lines} or {one.model for one in our_lines}
        amount = sum(line.amount_nanousd for line in their_lines) if detailed else None
        row = total(amount, their_lines, our_lines)
        rows.append(
            Compared(
                key[0],
                ", ".join(sorted(names)),
                row.theirs,
                row.ours,
                row.rounding,
                row.calls,
                row.unpriced_calls,
            )
        )
    return sorted(rows, key=order)


def _widest_first(row: Compared) -> tuple[object, ...]:
    return -abs(row.drift or 0), -row.ours, row.model


def _newest_first(row: Compared) -> tuple[object, ...]:
    return -(row.day.toordinal() if row.day else 0), *_widest_first(row)
