"""What must be counted: books kept beside the ledger, in plain Python, of everything that was sent to it.

A copy of a request is what one route says of it, under the names that this route has for it. Copies whose names meet
are one call, with the fullest usage and the best cost. Totals and counters count until a call arrives that they hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.contracts import UsageRow

START = datetime(2025, 10, 24, 12, tzinfo=UTC)
# Nano-dollars a token, as the providers list them: input, read, written for 5 minutes, written for 1 hour, output.
PRICES = {"claude-sonnet-4-5": (3_000, 300, 3_750, 6_000, 15_000), "gpt-5": (1_250, 125, 1_250, 1_250, 10_000)}


def moment(second: int) -> datetime:
    """That many seconds after START."""
    return START + timedelta(seconds=second)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint buckets."""

    uncached: int = 0
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    write_unknown: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def inputs(self) -> int:
        """All input."""
        return self.uncached + self.read + self.write_5m + self.write_1h + self.write_unknown

    def nanousd(self, model: str) -> int | None:
        """What it costs by the price list; None for a model that is not on it."""
        if model not in PRICES:
            return None
        fresh, read, write_5m, write_1h, output = PRICES[model]
        written = (self.write_5m + self.write_unknown) * write_5m + self.write_1h * write_1h
        return self.uncached * fresh + self.read * read + written + self.output * output


@dataclass(frozen=True, slots=True)
class Copy:
    """What one route said of one request. `cost` is (2 by the provider, 1 by a client; nano-dollars)."""

    names: tuple[str, ...]
    second: int
    model: str
    usage: Usage
    session: str = ""
    execution: str = ""
    cost: tuple[int, int] | None = None
    likeness: str = ""
    route: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """What somebody said that a run took in all; `seconds` is how long it ran, None where that was not said."""

    execution: str
    second: int
    seconds: float | None
    session: str
    model: str
    usage: Usage

    def holds(self, copy: Copy) -> bool:
        """Whether a call is one of those that the totals add up."""
        if copy.execution == self.execution:
            return True
        if not self.session or copy.session != self.session or self.seconds is None:
            return False
        return self.second <= copy.second <= self.second + self.seconds


@dataclass(slots=True)
class Books:
    """Everything that was sent, and what it adds up to."""

    copies: list[Copy] = field(default_factory=list)
    totals: dict[str, list[Totals]] = field(default_factory=lambda: defaultdict(list))
    counters: dict[tuple[str, str], dict[tuple[str, str], int]] = field(default_factory=lambda: defaultdict(dict))

    def counted(self) -> UsageRow:
        """The sums that every surface must show."""
        sums: dict[str, Any] = dict.fromkeys(UsageRow.__struct_fields__[1:], 0)
        for model, usage, cost in (*self._calls(), *self._totals(), *self._metered()):
            sums["calls"] += 1
            for name, tokens in zip(_BUCKETS, astuple(usage), strict=True):
                sums[name] += tokens
            nanousd = cost if cost is not None else usage.nanousd(model)
            sums["unpriced_calls" if nanousd is None else "cost_nanousd"] += 1 if nanousd is None else nanousd
        return UsageRow(**sums)

    def _calls(self) -> Iterator[tuple[str, Usage, int | None]]:
        alike: dict[str, dict[str, dict[str, Copy]]] = defaultdict(lambda: defaultdict(dict))
        for copy in self.copies:
            if copy.likeness:
                alike[copy.likeness][copy.route][copy.names[0]] = copy
        for routes in alike.values():  # the n-th of one route is the n-th of the other
            for copy in max(routes.values(), key=len).values():
                yield copy.model, copy.usage, None
        for group in _groups([copy for copy in self.copies if not copy.likeness]):
            best = max(group, key=lambda one: (one.usage.output, one.usage.inputs, -one.usage.write_unknown))
            cost = max((one.cost for one in group if one.cost), default=None)
            yield best.model, best.usage, cost[1] if cost else None

    def _totals(self) -> Iterator[tuple[str, Usage, int | None]]:
        for sent in self.totals.values():
            if not any(totals.holds(copy) for totals in sent for copy in self.copies):
                best = max(sent, key=lambda one: (one.usage.output, one.usage.inputs))
                yield best.model, best.usage, None

    def _metered(self) -> Iterator[tuple[str, Usage, int | None]]:
        called = {copy.session for copy in self.copies}
        told = {totals.session for sent in self.totals.values() for totals in sent}
        for (session, model), points in self.counters.items():
            if session not in called | told:
                shown: dict[str, int] = defaultdict(int)
                for (kind, _), value in points.items():
                    shown[kind] += value
                yield model, Usage(**shown), None


_BUCKETS = (
    *("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output"),
    "reasoning",
)


def _groups(copies: Iterable[Copy]) -> list[list[Copy]]:
    """Copies by the call that they are: those whose names meet, however many others stand between them."""
    groups: list[tuple[set[str], list[Copy]]] = []
    for copy in copies:
        names, members = set(copy.names), [copy]
        apart = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                members += group[1]
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [members for _, members in groups]
