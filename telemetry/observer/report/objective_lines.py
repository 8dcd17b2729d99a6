"""What a report says of objectives, line by line, from its document alone. Pure.

Key results that cost nothing and were not measured in the period are left out; what is in no objective never is.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from telemetry.limits.account import Account, ObjectiveAccount, ResultAccount, Spent, Way
from telemetry.observer.report.lines import dollars

TITLE = "Objectives"
HEADS = ("Objective", "Priority", "Cost", "Share", "Runs", "Succeeded", "Tokens wasted", "Progress")
UNATTRIBUTED = "Unattributed"
NOTE = "Costs and movements stand side by side: that a metric moved while money was spent does not say why."
MOST_LISTED = 50
Cells = tuple[str, ...]


def summary(account: Account) -> str:
    """How much of what was spent counts towards objectives."""
    share = _share(account.attributed_usd, account)
    whole, apart = dollars(account.spent.cost_usd), dollars(account.unattributed.cost_usd)
    return (
        f"{dollars(account.attributed_usd)} of {whole} counts towards objectives ({share}); {apart} is in none. "
        "A task counts with all its calls, and so do calls of no task."
    )


def rows(account: Account) -> list[tuple[str, Cells]]:
    """(name, the other cells of HEADS) of each key result, the dearest MOST_LISTED; then what is in none."""
    found = [(cost, name, cells) for objective in account.objectives for cost, name, cells in _of(objective, account)]
    dearest = {name for _, name, _ in sorted(found, key=lambda one: -one[0])[:MOST_LISTED]}
    shown = [(name, cells) for _, name, cells in found if name in dearest]
    return [*shown, (UNATTRIBUTED, ("", *_figures(account.unattributed, account), ""))]


def _of(objective: ObjectiveAccount, account: Account) -> Iterator[tuple[Decimal, str, Cells]]:
    for result in objective.key_results:
        if _happened(result.spent) or (result.way and result.way.snapshots):
            name = f"{objective.key} {objective.title}: {result.key} {result.title}"
            yield _row(name, objective, result.spent, account, _progress(result, result.way))
    if _happened(objective.as_a_whole):
        yield _row(f"{objective.key} {objective.title}", objective, objective.as_a_whole, account, "")


def _row(
    name: str, objective: ObjectiveAccount, spent: Spent, account: Account, progress: str
) -> tuple[Decimal, str, Cells]:
    return Decimal(spent.cost_usd), name, (objective.priority, *_figures(spent, account), progress)


def _happened(spent: Spent) -> bool:
    return bool(spent.runs or spent.calls)


def _figures(spent: Spent, account: Account) -> Cells:
    ended = spent.succeeded + spent.failed
    is_unpriced = spent.calls > 0 and spent.unpriced_calls == spent.calls
    return (
        "unpriced" if is_unpriced else dollars(spent.cost_usd),
        _share(spent.cost_usd, account),
        f"{spent.runs:,}",
        f"{100 * spent.succeeded / ended:.1f} %" if ended else "not known",
        f"{spent.tokens_wasted:,}",
    )


def _progress(result: ResultAccount, way: Way | None) -> str:
    """62.5 % of the way, moved by -3 days."""
    if way is None:
        return ""
    unit = f" {result.unit}" if result.unit else ""
    moved = f", moved by {Decimal(way.moved_by):+f}{unit}" if way.snapshots else ""
    spent = f", {dollars(way.spent_per_unit_usd)} spent while it moved by 1" if way.spent_per_unit_usd else ""
    return f"{way.percent:.1f} % of the way{moved}{spent}"


def _share(cost_usd: str, account: Account) -> str:
    whole = Decimal(account.spent.cost_usd)
    return f"{100 * Decimal(cost_usd) / whole:.1f} %" if whole else "0.0 %"
