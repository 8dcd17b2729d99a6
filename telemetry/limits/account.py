"""What each objective cost and how far it has come, as records that the API and reports show alike. Pure.

Money is an exact decimal text of US dollars; a share of the way is in percent, with one decimal. Cost and movement
stand side by side: no figure says that the one caused the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from telemetry.limits.attribution import LEVELS, Target
from telemetry.limits.goals import Goal, Result
from telemetry.limits.progress import progress
from telemetry.limits.spending import NO_USE, Spend, Sums
from telemetry.usage import usd

MOST_LEFT = 100


class Spent(Struct, frozen=True, kw_only=True):
    """What work came to. Of `runs` it is known of some that they `succeeded` or `failed`."""

    cost_usd: str = "0.00"
    tokens: int = 0
    tokens_wasted: int = 0
    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    calls: int = 0
    unpriced_calls: int = 0


class Way(Struct, frozen=True, kw_only=True):
    """How a metric stood at the end of the days, and moved in them. `spent_per_unit_usd`: what was spent while it moved
    by one unit towards its target; None where it moved by less than a twentieth of the way."""

    current: str
    measured_on: date
    percent: float
    moved_by: str
    snapshots: int
    spent_per_unit_usd: str | None = None


class ResultAccount(Struct, frozen=True, kw_only=True):
    """A key result with what was spent for it."""

    key: str
    title: str
    spent: Spent
    metric: str = ""
    unit: str = ""
    start: str | None = None
    target: str | None = None
    way: Way | None = None


class ObjectiveAccount(Struct, frozen=True, kw_only=True):
    """An objective. `spent` is all of it, `as_a_whole` what counts towards none of its key results."""

    key: str
    title: str
    priority: str
    spent: Spent
    owner: str = ""
    as_a_whole: Spent = Spent()
    key_results: tuple[ResultAccount, ...] = ()


class LevelAccount(Struct, frozen=True, kw_only=True):
    """What was counted by one of LEVELS."""

    level: str
    spent: Spent


class LeftAccount(Struct, frozen=True, kw_only=True):
    """What nothing names, with what it bears. `is_loose`: calls that belong to no run."""

    tag: str
    task_type: str
    agent: str
    is_loose: bool
    spent: Spent


class Account(Struct, frozen=True, kw_only=True):
    """All that was spent: attributed and unattributed add up to `spent`, to the nano-dollar."""

    spent: Spent
    attributed_usd: str
    unattributed: Spent
    objectives: tuple[ObjectiveAccount, ...] = ()
    levels: tuple[LevelAccount, ...] = ()
    left: tuple[LeftAccount, ...] = ()
    more_left: int = 0


def account(goals: Sequence[Goal], spend: Spend, *, first_day: date, last_day: date) -> Account:
    """The account of some local days, both inclusive. Of what nothing names the dearest MOST_LEFT kinds are listed."""
    left = sorted(spend.left.items(), key=lambda item: (-item[1].cost_nanousd, -item[1].tokens, item[0]))
    return Account(
        spent=spent(spend.total),
        attributed_usd=usd(spend.attributed_nanousd),
        unattributed=spent(spend.unattributed),
        objectives=tuple(_objective(goal, spend, first_day, last_day) for goal in goals),
        levels=tuple(
            LevelAccount(level=level, spent=spent(spend.by_level[level])) for level in LEVELS if level in spend.by_level
        ),
        left=tuple(LeftAccount(**one._asdict(), spent=spent(used)) for one, used in left[:MOST_LEFT]),
        more_left=max(0, len(left) - MOST_LEFT),
    )


def spent(used: Sums) -> Spent:
    """Sums as a record."""
    return Spent(
        cost_usd=usd(used.cost_nanousd),
        tokens=used.tokens,
        tokens_wasted=used.tokens_wasted,
        runs=used.runs,
        succeeded=used.done,
        failed=used.failed,
        calls=used.calls,
        unpriced_calls=used.unpriced_calls,
    )


def _objective(goal: Goal, spend: Spend, first_day: date, last_day: date) -> ObjectiveAccount:
    return ObjectiveAccount(
        key=goal.key,
        title=goal.title,
        priority=goal.priority_name,
        owner=goal.owner,
        spent=spent(spend.of(goal.id)),
        as_a_whole=spent(spend.by_target.get(Target(goal.id), NO_USE)),
        key_results=tuple(
            _result(result, spend.by_target.get(Target(goal.id, result.id), NO_USE), first_day, last_day)
            for result in goal.results
        ),
    )


def _result(result: Result, used: Sums, first_day: date, last_day: date) -> ResultAccount:
    return ResultAccount(
        key=result.key,
        title=result.title,
        spent=spent(used),
        metric=result.metric,
        unit=result.unit,
        start=_plain(result.start),
        target=_plain(result.target),
        way=_way(result, used, first_day, last_day),
    )


def _way(result: Result, used: Sums, first_day: date, last_day: date) -> Way | None:
    found = progress(result.values, start=result.start, target=result.target, first_day=first_day, last_day=last_day)
    if found is None:
        return None
    each = found.cost_per_unit(used.cost_nanousd)
    return Way(
        current=f"{found.current.normalize():f}",
        measured_on=found.measured_on,
        percent=round(float(found.done) * 100, 1),
        moved_by=f"{found.moved_by.normalize():f}",
        snapshots=found.snapshots,
        spent_per_unit_usd=None if each is None else usd(each),
    )


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else f"{number.normalize():f}"
