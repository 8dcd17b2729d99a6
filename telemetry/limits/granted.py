"""A budget as it holds for something, and what tokens and money come to in its unit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from telemetry.usage import weighted_hundredths

Scope = Literal["project", "session_type", "session", "agent", "task_type", "tier", "objective", "key"]
Period = Literal["run", "session", "day", "week", "month"]
Counts = Literal["weighted", "gross", "usd"]
Mode = Literal["shadow", "warn", "enforce"]


class Used(Protocol):
    """Sums over calls, such as `contracts.UsageRow`: five input buckets, output, and nano-dollars."""

    @property
    def input_uncached(self) -> int: ...
    @property
    def cache_read(self) -> int: ...
    @property
    def cache_write_5m(self) -> int: ...
    @property
    def cache_write_1h(self) -> int: ...
    @property
    def cache_write_unknown(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def cost_nanousd(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A budget that holds for something. `subject` is what it holds for here, also where the budget is for each.

    `limit` and `spent` are whole tokens, or nano-dollars where it `counts` usd. `spent` is what the session has used so
    far where the period is a session, 0 for a run, and None for days, weeks and months: nobody looked.
    """

    budget_id: int
    scope: Scope
    subject: str
    period: Period
    counts: Counts
    limit: int
    mode: Mode
    spent: int | None


def amount(counts: Counts, used: Used) -> int:
    """What calls came to in the unit of a budget: tokens, a half rounded up, or nano-dollars."""
    if counts == "usd":
        return used.cost_nanousd
    written = used.cache_write_5m + used.cache_write_1h + used.cache_write_unknown
    if counts == "gross":
        return used.input_uncached + used.cache_read + written + used.output
    weighed = weighted_hundredths(
        uncached=used.input_uncached,
        cache_read=used.cache_read,
        cache_write_5m=used.cache_write_5m,
        cache_write_1h=used.cache_write_1h,
        cache_write_unknown=used.cache_write_unknown,
    )
    return (weighed + 100 * used.output + 50) // 100


@dataclass(frozen=True, slots=True)
class Written:
    """A budget as a person wrote it, for a project or (not `is_own`) for every project; an empty `subject` is each."""

    budget_id: int
    scope: Scope
    subject: str
    period: Period
    counts: Counts
    limit: int
    mode: Mode
    is_enabled: bool
    is_own: bool


def holding(written: Sequence[Written]) -> list[tuple[Written, frozenset[str]]]:
    """Those of a project's budgets that hold, as `sql/applying.sql` chooses them for a subject; where one is for each,
    with the subjects for which another stands in its place."""
    kept = []
    for budget in written:
        rivals = [one for one in written if (one.scope, one.period) == (budget.scope, budget.period)]
        own = [one for one in rivals if one.is_own]
        if not budget.is_own and any(one.subject in ("", budget.subject) for one in own):
            continue
        named = own if budget.is_own else rivals
        but = frozenset(one.subject for one in named if one.subject) if not budget.subject else frozenset()
        if budget.is_enabled:
            kept.append((budget, but))
    return kept
