"""Why two spans of days cost differently: how much of it is volume, mix, tokens a run, and price. Pure.

What a span costs is a sum over cells (an agent, a task type, a model):

    runs a day × the cell's share of the runs × its tokens a run × its price of a token

Each factor is given its Shapley value: what changing it adds, as the mean over all 24 orders in which the four can be
changed. So no order is preferred, nothing is left over, and looked at from the other end every part only changes its
sign. It is exact; whole nano-dollars are made of it once, so that rows, columns and the whole add up.
Source: Sun, "Changes in energy consumption and energy intensity: a complete decomposition model", Energy Economics 20
(1998); as a Shapley value: Albrecht, François & Schoors, Energy Policy 30 (2002).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import NamedTuple

Key = tuple[str, ...]
_ORDERS = 24
# Which of the three others may have changed before a factor, each with the number of orders in which these have.
_CHANGED = tuple(((6, 2, 2, 6)[sum(others)], *others) for others in product((0, 1), repeat=3))


class Sums(NamedTuple):
    """What the runs of a cell add up to in a span of days."""

    runs: int = 0
    tokens: int = 0
    cost_nanousd: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(self.runs + other.runs, self.tokens + other.tokens, self.cost_nanousd + other.cost_nanousd)


class Effects(NamedTuple):
    """What each factor adds to a difference, in nano-dollars."""

    volume: int = 0
    mix: int = 0
    tokens_per_run: int = 0
    price: int = 0

    @property
    def total(self) -> int:
        """The difference itself."""
        return sum(self)

    def plus(self, other: Effects) -> Effects:
        """Both together."""
        return Effects(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell, or several: their sums in each span, what they cost on a day of it, and what that difference is made
    of."""

    key: Key
    before: Sums
    after: Sums
    before_nanousd: int
    after_nanousd: int
    effects: Effects


@dataclass(frozen=True, slots=True)
class Difference:
    """What a day of the span `after` costs above one of the span `before`, by cell, the largest difference first."""

    days_before: int
    days_after: int
    cells: tuple[CellChange, ...]

    @property
    def whole(self) -> CellChange:
        """All cells together."""
        return together((), self.cells)


class _Factor(NamedTuple):
    """A factor in each span, in `size`ths: integers all the way, for fractions would be shortened at each step."""

    before: int
    after: int
    size: int


def decompose(
    before: Mapping[Key, Sums], after: Mapping[Key, Sums], *, days_before: int = 1, days_after: int = 1
) -> Difference:
    """The difference between a day of one span and a day of another; a span of no runs is no days of nothing. Raises
    ValueError for a span without days, and for a cell that has tokens or a cost and no run."""
    if days_before < 1 or days_after < 1:
        raise ValueError("A span has at least one day.")
    keys = sorted(before.keys() | after.keys())
    pairs = [(before.get(key, Sums()), after.get(key, Sums())) for key in keys]
    if any(not one.runs and any(one) for pair in pairs for one in pair):
        raise ValueError("What nothing ran for has no tokens and no cost.")
    costs_before = apportioned([old.cost_nanousd for old, _ in pairs], days_before)
    costs_after = apportioned([new.cost_nanousd for _, new in pairs], days_after)
    cells = [
        CellChange(key, *pair, cost_before, cost_after, _effects(factors, cost_after - cost_before))
        for key, pair, cost_before, cost_after, factors in zip(
            keys, pairs, costs_before, costs_after, _factors(pairs, days_before, days_after), strict=True
        )
    ]
    cells.sort(key=lambda cell: (-abs(cell.effects.total), -max(cell.before_nanousd, cell.after_nanousd), cell.key))
    return Difference(days_before, days_after, tuple(cells))


def together(key: Key, cells: Iterable[CellChange]) -> CellChange:
    """Cells as one, under another name."""
    before, after, effects, cost_before, cost_after = Sums(), Sums(), Effects(), 0, 0
    for cell in cells:
        before, after, effects = before.plus(cell.before), after.plus(cell.after), effects.plus(cell.effects)
        cost_before += cell.before_nanousd
        cost_after += cell.after_nanousd
    return CellChange(key, before, after, cost_before, cost_after, effects)


def by_part(cells: Iterable[CellChange], place: int) -> tuple[CellChange, ...]:
    """The cells as one for each value of a part of their keys, the largest difference first."""
    groups: dict[str, list[CellChange]] = {}
    for cell in cells:
        groups.setdefault(cell.key[place], []).append(cell)
    found = [together((name,), group) for name, group in groups.items()]
    return tuple(sorted(found, key=lambda cell: (-abs(cell.effects.total), -cell.after_nanousd, cell.key)))


def apportioned(parts: Sequence[int], size: int, whole: int | None = None) -> list[int]:
    """Parts of a `size`th each as integers that add up to `whole`, which is their sum, rounded, where nothing else is
    said: each is cut, and what is missing goes to those that lost the most. What is nothing stays nothing."""
    cut = [part // size for part in parts]
    whole = (2 * sum(parts) + size) // (2 * size) if whole is None else whole
    order = sorted((place for place, part in enumerate(parts) if part), key=lambda place: -(parts[place] % size))
    if order:
        each, more = divmod(whole - sum(cut), len(order))
        for rank, place in enumerate(order):
            cut[place] += each + (rank < more)
    return cut


def _factors(pairs: Sequence[tuple[Sums, Sums]], days_before: int, days_after: int) -> Iterator[tuple[_Factor, ...]]:
    """What each cell's cost of a day is the product of: runs a day, its share of them, tokens a run, their price."""
    runs = tuple(sum(pair[span].runs for pair in pairs) for span in (0, 1))
    volume = _Factor(runs[0] * days_after, runs[1] * days_before, days_before * days_after)
    for old, new in pairs:
        tokens = old.tokens, new.tokens
        if any(one.cost_nanousd and not one.tokens for one in (old, new)):
            tokens = old.runs, new.runs  # a run is what has a price there
        yield (
            volume,
            _quotients((old.runs, runs[0]), (new.runs, runs[1])),
            _quotients((tokens[0], old.runs), (tokens[1], new.runs)),
            _quotients((old.cost_nanousd, tokens[0]), (new.cost_nanousd, tokens[1])),
        )


def _quotients(old: tuple[int, int], new: tuple[int, int]) -> _Factor:
    """Two quotients over one denominator. Where one has nothing to be divided by, the other stands for both: what did
    not run is as long and as dear as when it did, so that all of it is volume or mix."""
    if not old[1]:
        return _Factor(new[0], new[0], new[1] or 1)
    if not new[1]:
        return _Factor(old[0], old[0], old[1])
    return _Factor(old[0] * new[1], new[0] * old[1], old[1] * new[1])


def _effects(factors: Sequence[_Factor], difference: int) -> Effects:
    """What each factor adds to their product, as the mean over all orders of changing them, in whole nano-dollars that
    add up to the whole difference."""
    added = []
    for place, factor in enumerate(factors):
        first, second, third = (*factors[:place], *factors[place + 1 :])
        around = sum(orders * first[x] * second[y] * third[z] for orders, x, y, z in _CHANGED)
        added.append((factor.after - factor.before) * around)
    return Effects(*apportioned(added, _ORDERS * prod(factor.size for factor in factors), difference))
