"""Arithmetic on usage rows: what a page derives from the sums that it read. Pure and exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from telemetry.contracts import UsageRow

_FIELDS = tuple(field for field in UsageRow.__struct_fields__ if field != "key")


def total(rows: Iterable[UsageRow], *, key: str = "") -> UsageRow:
    """The sum of rows."""
    sums = dict.fromkeys(_FIELDS, 0)
    for row in rows:
        for field in _FIELDS:
            sums[field] += getattr(row, field)
    return UsageRow(key=key, **sums)


def minus(whole: UsageRow, part: UsageRow, *, key: str = "") -> UsageRow:
    """What is left of `whole` without `part`."""
    return UsageRow(key=key, **{field: getattr(whole, field) - getattr(part, field) for field in _FIELDS})


def by_key(rows: Iterable[UsageRow]) -> dict[str, UsageRow]:
    """One sum for each key."""
    groups: dict[str, list[UsageRow]] = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    return {key: total(group, key=key) for key, group in groups.items()}


def dearest_first(rows: Iterable[UsageRow]) -> list[UsageRow]:
    """The order in which the series itself answers: cost, then tokens, then name."""
    return sorted(rows, key=lambda row: (-row.cost_nanousd, -row.tokens, row.key))


def most_telling(rows: Mapping[str, UsageRow], *, limit: int) -> list[str]:
    """The keys that matter most by their shares of cost and of tokens together, so that one order serves both."""
    all_of_it = total(rows.values())

    def weight(row: UsageRow) -> Fraction:
        return share(row.cost_nanousd, all_of_it.cost_nanousd) + share(row.tokens, all_of_it.tokens)

    return sorted(rows, key=lambda key: (-weight(rows[key]), key))[:limit]


def share(part: int, whole: int) -> Fraction:
    """`part` of `whole`; 0 of nothing is 0."""
    return Fraction(part, whole) if whole else Fraction()
