"""Which tiers to ask for a request, in which order, and why: rules first, then what was learned, within shares. Pure.

Sources: methods.md §3 and gateways.md §6.4, §6.5. Rules leave a tier out. Of the others the one comes first from which
most is expected for its price (`success`, `shares`), unless the session has a tier already. A refused answer climbs
once, straight to the tier that is then worth most: chains of more steps add nothing (arXiv 2605.06350).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from routing.contracts import Caller, Features, Odds, Plan, Step, Tier, TierState
from routing.ladder import success
from routing.ladder.shares import Shares, price
from routing.ladder.success import Table

# An answer of which less is expected is asked for again though the shares are used up.
QUALITY_FLOOR = 0.2
# The room that an answer needs in a window when the caller sets no limit, and what it is taken to cost.
_USUAL_OUTPUT = 1_024


class _Weighed(Struct, frozen=True):
    """A tier that may be asked, with its place among all tiers (0 lowest, 1 highest) and its odds."""

    tier: Tier
    odds: Odds

    @property
    def worth(self) -> float:
        return self.odds.p_good - self.odds.price


def plan(
    features: Features,
    caller: Caller,
    tiers: Sequence[Tier],
    states: Mapping[int, TierState],
    table: Table,
    shares: Shares,
    *,
    affinity: int | None = None,
    pinned: int | None = None,
) -> Plan:
    """The plan for a request. `tiers` by position; `affinity` is the tier that the session stays on, `pinned` the one
    that the caller names: nothing else is asked then, and what it can is not doubted. No step: nobody can answer."""
    left, away, skipped = _sorted_out(features, tiers, states, pinned)
    weighed = [_weighed(tier, features, caller, tiers, table, shares) for tier in left]
    if not weighed:
        return Plan(steps=(), skipped=skipped, is_pinned=pinned is not None)
    first, reason = _first(weighed, features, caller, table, affinity, is_pinned=pinned is not None)
    is_makeshift = False
    if away:
        well = [
            _weighed(tier, features, caller, tiers, table, shares) for tier in tiers if tier in left or tier in away
        ]
        wanted, _ = _first(well, features, caller, table, affinity, is_pinned=pinned is not None)
        is_makeshift = wanted.tier is not first.tier
    order = _behind(first, weighed)
    steps = (Step(first.tier, reason), *(Step(each.tier, why) for each, why in order))
    return Plan(
        steps=steps,
        skipped=skipped,
        is_pinned=pinned is not None,
        is_makeshift=is_makeshift,
        odds=(first.odds, *(each.odds for each, _ in order)),
        floor=QUALITY_FLOOR,
    )


def climb_for(plan: Plan, tier_id: int, p_good: float, *, p_helps: float | None = None) -> Step | None:
    """Where to ask again after an answer of `tier_id` that is good with the chance `p_good`; None: it is kept.

    A tier above it must be worth more than the answer at hand. Below the floor of quality its price does not count, and
    a tier is enough of which twice the floor is expected.
    `p_helps`: how likely a higher tier's answer is good while this one is not (`Verdict`).
    """
    known = {step.tier.id: (step.tier, odds) for step, odds in zip(plan.steps, plan.odds, strict=True)}
    if tier_id not in known or plan.is_pinned:
        return None
    asked, hoped = known[tier_id]
    higher = [(tier, odds) for tier, odds in known.values() if tier.position > asked.position]
    most = max((odds.p_good for _, odds in higher), default=0.0)
    above = []
    for tier, odds in higher:
        if p_helps is None:
            expected = success.after_evidence(odds.p_good, expected=hoped.p_good, found=p_good)
        else:
            expected = p_good + p_helps * _part(odds.p_good, of=most, above=hoped.p_good)
        above.append(_Weighed(tier, Odds(expected, odds.price)))
    best = max(above, key=lambda each: each.worth, default=None)
    if best is not None and best.worth > p_good:
        return Step(best.tier, f"the answer of {asked.name} did not pass: {p_good:.0%} against {best.odds.p_good:.0%}")
    better = [each for each in above if each.odds.p_good >= 2 * plan.floor]
    if p_good < plan.floor and better:
        best = max(better, key=lambda each: each.worth)
        return Step(best.tier, f"share_override: {p_good:.0%} for the answer of {asked.name} is below the floor")
    return None


def _part(p_good: float, *, of: float, above: float) -> float:
    """How much of what the best tier above gains another one does, 0 to 1."""
    return max(0.0, p_good - above) / (of - above) if of > above else 0.0


def _sorted_out(
    features: Features, tiers: Sequence[Tier], states: Mapping[int, TierState], pinned: int | None
) -> tuple[list[Tier], list[Tier], tuple[Step, ...]]:
    """Tiers that can answer, those that could if they were well now, and why each of the others is not asked."""
    left: list[Tier] = []
    away: list[Tier] = []
    skipped: list[Step] = []
    for tier in tiers:
        if pinned is not None and tier.id != pinned:
            skipped.append(Step(tier, "another tier is named"))
            continue
        unable = "" if pinned is not None else _unable(tier, features)
        never = unable or tier.trouble
        now = "" if never else _unwell(states.get(tier.id) or TierState(tier_id=tier.id), tier)
        if never or now:
            skipped.append(Step(tier, never or now))
        if not never:
            (away if now else left).append(tier)
    return left, away, tuple(skipped)


def _unable(tier: Tier, features: Features) -> str:
    """Why the tier cannot answer such a request; empty where it can."""
    if not features.needs <= tier.capabilities:
        return f"cannot do {' and '.join(sorted(features.needs - tier.capabilities))}"
    return too_long(tier, features)


def too_long(tier: Tier, features: Features) -> str:
    """Why a prompt is too long for a tier, with room for an answer; empty where it is not."""
    needed = features.prompt_tokens + tier.context_window - most_tokens(tier, features)
    return f"{needed:,} tokens do not fit its {tier.context_window:,}" if needed > tier.context_window else ""


def most_tokens(tier: Tier, features: Features) -> int:
    """The longest prompt that a tier can answer."""
    return tier.context_window - min(features.max_output or _USUAL_OUTPUT, tier.max_output or tier.context_window)


def _unwell(state: TierState, tier: Tier) -> str:
    """Why the tier cannot answer now; empty where it can."""
    if state.breaker == "open":
        return f"failed lately, left out until {state.until:%H:%M:%S}" if state.until else "failed lately"
    if state.left_today == 0:
        return "the calls of its account for today are used up"
    if state.left_this_minute == 0:
        return "the calls of its account for this minute are used up"
    if tier.concurrency is not None and state.running >= tier.concurrency and state.waiting >= tier.queue:
        return f"{state.running} calls are running and {state.waiting} are waiting"
    return ""


def _weighed(
    tier: Tier, features: Features, caller: Caller, tiers: Sequence[Tier], table: Table, shares: Shares
) -> _Weighed:
    height = tiers.index(tier) / max(1, len(tiers) - 1)
    hoped = success.p_good(table, caller.task_type, tier.id, height=height, prompt_chars=features.prompt_chars)
    return _Weighed(tier, Odds(hoped, price(shares, tier, height=height)))


def _first(
    weighed: Sequence[_Weighed],
    features: Features,
    caller: Caller,
    table: Table,
    affinity: int | None,
    *,
    is_pinned: bool,
) -> tuple[_Weighed, str]:
    if is_pinned:
        return weighed[0], "it is named"
    stays = next((each for each in weighed if each.tier.id == affinity), None)
    if stays is not None:
        return stays, "the session stays on it"
    best = max(weighed, key=lambda each: (each.worth, -each.tier.position))
    if best.odds.p_good < QUALITY_FLOOR:
        surest = max(weighed, key=lambda each: each.odds.p_good)
        if surest is not best:
            return surest, f"share_override: {best.odds.p_good:.0%} expected of {best.tier.name} is below the floor"
    strong = _not_worth_a_try(best, weighed, features, caller, table)
    if strong is not None:
        return strong, f"what {best.tier.name} answers is mostly refused: asking it first costs more"
    if best.tier is weighed[0].tier:
        return best, "the lowest tier that can"
    lowest = weighed[0]
    expected = f"{best.odds.p_good:.0%} against {lowest.odds.p_good:.0%}"
    return best, f"more is expected of it than of {lowest.tier.name}: {expected}"


def _not_worth_a_try(
    cheap: _Weighed, weighed: Sequence[_Weighed], features: Features, caller: Caller, table: Table
) -> _Weighed | None:
    """The tier to ask at once where the cheap one is refused so often that trying it first costs more: when
    P(refused) > 1 - c_cheap / c_strong (checking an answer costs nothing: the checks are ours)."""
    refused = success.p_refused(table, caller.task_type, cheap.tier.id)
    above = [each for each in weighed if each.tier.position > cheap.tier.position]
    if refused is None or not above:
        return None
    strong = max(above, key=lambda each: each.worth)
    cost = _cost(strong.tier, features)
    return strong if cost and refused > 1 - _cost(cheap.tier, features) / cost else None


def _cost(tier: Tier, features: Features) -> int:
    """What a call would cost, in nano-dollars, as far as the tier's own prices say."""
    if tier.is_free:
        return 0
    output = (tier.output_nanousd or 0) * min(features.max_output or _USUAL_OUTPUT, _USUAL_OUTPUT)
    return (tier.input_nanousd or 0) * features.prompt_tokens + output


def _behind(first: _Weighed, weighed: Sequence[_Weighed]) -> list[tuple[_Weighed, str]]:
    """What is asked when it fails: what is then worth most of those above it, the rest of these, then those below."""
    above = [each for each in weighed if each.tier.position > first.tier.position]
    below = [each for each in weighed if each.tier.position < first.tier.position]
    above.sort(key=lambda each: (-each.worth, each.tier.position))
    below.sort(key=lambda each: -each.tier.position)
    return [(each, f"behind {first.tier.name}") for each in (*above, *below)]
