"""Calls identified, priced and ranked: what is written of each, but for where. Pure.

A batch is looked at by columns: what no call of it has costs one look, not one a call, and nothing is made that is
thrown away again. `entry_of` says the same of one call, and says of a bad one why it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import repeat
from typing import Any

from msgspec.structs import astuple

from telemetry.contracts import Call
from telemetry.ledger.identity import call_id, key_id
from telemetry.ledger.pricebook import NO_OVERRIDES, PriceBook
from telemetry.ledger.pricing import MAX_NANOUSD, computed_columns, computed_nanousd, nanousd
from telemetry.ledger.rows import LABELS, Entry, Fields, cost_rank, labels_of
from telemetry.usage import INPUTS, input_total, usage_rank, usage_ranks

_SUSPECT = "output_suspect"
_TOO_DEAR = "these tokens would cost more than can be counted"


def entry_of(call: Call, *, book: PriceBook = NO_OVERRIDES) -> Entry:
    """A call identified, priced and ranked. Raises ValueError for a cost that cannot be."""
    inputs = input_total(call)
    computed, price_version = computed_nanousd(call, inputs, book)
    if computed is not None and computed > MAX_NANOUSD:
        raise ValueError(_TOO_DEAR)
    reported = None if call.cost_usd is None else nanousd(call.cost_usd)
    return Entry(
        call_id(call),
        call,
        usage_rank(call.output, inputs, is_suspect=_SUSPECT in call.quality),
        cost_rank(call.cost_kind, reported),
        _present(tuple(map(bool, labels_of(astuple(call)))), call.cache_write_unknown > 0),
        reported,
        computed,
        price_version,
    )


def entries_of(calls: Sequence[Call], columns: Fields, *, book: PriceBook = NO_OVERRIDES) -> list[Entry]:
    """The entries of calls, of which there is one at least; `columns` are their fields. Raises ValueError where one of
    them has no entry."""
    inputs = [sum(counts) for counts in zip(*(columns[name] for name in INPUTS), strict=True)]
    computed, versions = computed_columns(columns, inputs, book)
    if max(filter(None, computed), default=0) > MAX_NANOUSD:
        raise ValueError(_TOO_DEAR)
    reported, cost_ranks = _reported(columns)
    return list(
        map(
            Entry,
            _ids(columns["id"], calls),
            calls,
            _usage_ranks(columns, inputs),
            cost_ranks,
            _presence(columns, len(calls)),
            reported,
            computed,
            versions,
        )
    )


@cache
def _present(fields: tuple[bool, ...], is_unsplit: bool) -> int:
    """Which fields a call has, as bits; the last one: cache writes are told apart by their time to live."""
    return sum(1 << place for place, is_there in enumerate((*fields, not is_unsplit)) if is_there)


def _presence(columns: Fields, count: int) -> Iterable[int]:
    """The same of all calls: a bit that is alike in all of them is found at once."""
    alike = 0
    unsplit = columns["cache_write_unknown"]
    told = [*(columns[name] for name in LABELS), [not count for count in unsplit] if any(unsplit) else (True,)]
    unlike: list[tuple[int, Sequence[Any]]] = []
    for place, column in enumerate(told):
        if all(column):
            alike |= 1 << place
        elif any(column):
            unlike.append((1 << place, column))
    fields = [alike] * count
    for bit, column in unlike:
        fields = [known | bit if value else known for known, value in zip(fields, column, strict=True)]
    return fields


def _ids(keys: Sequence[str], calls: Sequence[Call]) -> Iterable[bytes]:
    return map(key_id, keys) if all(keys) else map(call_id, calls)


def _usage_ranks(columns: Fields, inputs: Sequence[int]) -> Iterable[int]:
    if not any(columns["quality"]):
        return usage_ranks(columns["output"], inputs)
    suspects = [_SUSPECT in flags for flags in columns["quality"]]
    return [
        usage_rank(output, total, is_suspect=is_suspect)
        for output, total, is_suspect in zip(columns["output"], inputs, suspects, strict=True)
    ]


def _reported(columns: Fields) -> tuple[Iterable[int | None], Iterable[int]]:
    """Reported costs in nano-dollars, and their ranks. Raises ValueError."""
    costs = columns["cost_usd"]
    if costs.count(None) == len(costs):
        return repeat(None, len(costs)), repeat(0, len(costs))
    reported = [None if cost is None else nanousd(cost) for cost in costs]
    return reported, map(cost_rank, columns["cost_kind"], reported)
