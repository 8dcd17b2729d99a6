"""The trends of a report: what of its days was unusual, and what they cost beside the days before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telemetry.observer.report.document import DayCost, Trends, Unusual
from telemetry.outlook.decomposition import Difference
from telemetry.outlook.verdicts import Verdict
from telemetry.usage import usd


def trends(states: Mapping[str, int], flagged: Sequence[Verdict], cost: Difference | None) -> Trends:
    """The section, of how many verdicts have each state, the dearest of the flagged ones, and what changed."""
    return Trends(
        judged=sum(states.values()),
        learning=states.get("learning", 0),
        flagged=states.get("flagged", 0),
        unusual=tuple(_unusual(one) for one in flagged),
        cost=_cost(cost) if cost else None,
    )


def _unusual(one: Verdict) -> Unusual:
    return Unusual(
        day=one.day,
        dimension=one.dimension,
        name=one.name,
        what=one.what,
        value=one.value,
        usual=one.baseline,
        low=one.low_30,
        high=one.high_30,
        times=one.effect,
        cost_usd=usd(one.cost_nanousd),
        at_stake_usd=usd(one.at_stake_nanousd),
        is_shift=one.is_shift,
        root_dimension=one.root_dimension,
        root_name=one.root_name,
    )


def _cost(found: Difference) -> DayCost:
    whole = found.whole
    return DayCost(
        days_before=found.days_before,
        before_usd=usd(whole.before_nanousd),
        after_usd=usd(whole.after_nanousd),
        difference_usd=usd(whole.effects.total),
        volume_usd=usd(whole.effects.volume),
        mix_usd=usd(whole.effects.mix),
        tokens_per_run_usd=usd(whole.effects.tokens_per_run),
        price_usd=usd(whole.effects.price),
    )
