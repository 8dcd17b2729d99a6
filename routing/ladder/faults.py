"""What follows from a fault: again on the same tier, the next one, the answer that is there, or the end. Pure.

The cases are those of the sixteen scenarios in docs/gateway.md. Two limits hold whatever fails: at most four attempts
begin within any three seconds, and six in all.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from routing.contracts import Fault, FaultKind, Plan, Step, Tier

MOST = 6
MOST_AT_ONCE, AT_ONCE_S = 4, 3.0
# Longer than this nobody is made to wait for a tier that says when it will be well again.
PATIENCE_S = 2.5
# The wait before a second and a third attempt of a tier that says nothing.
_BACK_OFF_S = (0.2, 0.5, 1.0, 1.5, 2.0)

# Worth a second attempt of the same tier: what often passes at once.
_PASSING: frozenset[FaultKind] = frozenset({"connect", "server", "malformed"})
_LIMITED: frozenset[FaultKind] = frozenset({"rate_limited", "upstream_limited"})
# Once waited for is enough: a second attempt would take as long again.
_SLOW: frozenset[FaultKind] = frozenset({"no_answer", "slow_first_token", "silence"})
# The caller's own, or nobody's to answer: asked of no other tier.
_ENDS: frozenset[FaultKind] = frozenset({"content_filter", "cancelled"})
# True of an account, so of every tier that is asked on it.
_OF_ACCOUNT: frozenset[FaultKind] = frozenset({"rate_limited", "quota", "account"})

_STATUS: dict[FaultKind, int] = {
    **dict.fromkeys(_SLOW, 504),
    "rate_limited": 429,
    "quota": 429,
    "upstream_limited": 503,
    "busy": 503,
    "context_length": 400,
    "content_filter": 400,
    "bad_request": 400,
    "unfit": 400,
    "cancelled": 499,
}
_BAD_GATEWAY = 502


class Tried(Struct, frozen=True):
    """An attempt of this request: of which tier, when it began (seconds after the request), how it failed."""

    tier_id: int
    started_s: float
    kind: FaultKind


class Retry(Struct, frozen=True):
    """The same tier again, after so many seconds."""

    after_s: float


class FallOver(Struct, frozen=True):
    """Another step of the plan, after so many seconds: from the start, with nothing of what the last one wrote."""

    step: Step
    after_s: float = 0.0


class Keep(Struct, frozen=True):
    """The answer that the gate refused is the best there is: it is given, with its verdict."""


class GiveUp(Struct, frozen=True):
    """The end: an HTTP status and what the caller may read. `is_event`: bytes were sent, so it is an event of the
    stream. `retry_after_s` is for the header, where it is known."""

    status: int
    message: str
    kind: FaultKind
    retry_after_s: float | None = None
    is_event: bool = False


Move = Retry | FallOver | Keep | GiveUp


def next_move(
    fault: Fault,
    *,
    past: Sequence[Tried],
    elapsed_s: float,
    plan: Plan,
    sent_bytes: int = 0,
    climb: Step | None = None,
    budget_s: float = 600.0,
) -> Move:
    """What to do after `fault`, which ended the last of `past` (all attempts of the request, one at least).

    `elapsed_s` is the time since the request came, `sent_bytes` how much of an answer the caller already has, `climb`
    what `plan.climb_for` says after a refusal of the gate, `budget_s` when no attempt begins any more.
    """
    if sent_bytes:
        return _end(fault, is_event=True)
    if fault.kind in _ENDS or _is_own_mistake(fault, past):
        return _end(fault)
    move = _climb(past, climb) if fault.kind == "gate" else _again(fault, past, plan) or _onward(past, plan)
    if move is None or len(past) >= MOST:
        return Keep() if _was_answered(past) else _end(fault)
    after_s = max(move.after_s, _free_at(past) - elapsed_s)
    if elapsed_s + after_s > budget_s:
        return Keep() if _was_answered(past) else _end(fault)
    return Retry(after_s) if isinstance(move, Retry) else FallOver(move.step, after_s)


def _was_answered(past: Sequence[Tried]) -> bool:
    return any(tried.kind == "gate" for tried in past)


def _is_own_mistake(fault: Fault, past: Sequence[Tried]) -> bool:
    """A tier that is asked only because another failed may refuse what the first took: that is not the caller's."""
    return fault.kind == "bad_request" and len({tried.tier_id for tried in past}) == 1


def _climb(past: Sequence[Tried], climb: Step | None) -> FallOver | None:
    """Once: a second refusal keeps what there is."""
    is_first = sum(tried.kind == "gate" for tried in past) == 1
    if climb is None or not is_first or climb.tier.id in {tried.tier_id for tried in past}:
        return None
    return FallOver(climb)


def _again(fault: Fault, past: Sequence[Tried], plan: Plan) -> Retry | None:
    """Another attempt of the same tier: one where others are left, more where it is the only one."""
    times = sum(tried.tier_id == past[-1].tier_id for tried in past)
    has_others = bool(_left(past, plan))
    if fault.kind == "cut":
        return None if has_others or times > 1 else Retry(_BACK_OFF_S[0])
    if fault.kind not in _PASSING | _LIMITED or (times > 1 and has_others):
        return None
    wait_s = _BACK_OFF_S[min(times, len(_BACK_OFF_S)) - 1]
    if fault.kind in _LIMITED:
        wait_s = max(wait_s, 0.5 if fault.retry_after_s is None else fault.retry_after_s)
    return Retry(wait_s) if wait_s <= PATIENCE_S else None


def _onward(past: Sequence[Tried], plan: Plan) -> FallOver | None:
    left = _left(past, plan)
    return FallOver(left[0]) if left else None


def _left(past: Sequence[Tried], plan: Plan) -> list[Step]:
    """The steps, in the plan's order, that are neither tried nor known to fail as another did."""
    tiers = {step.tier.id: step.tier for step in plan.steps}
    failed = [(each.kind, tiers[each.tier_id]) for each in past if each.tier_id in tiers]
    tried = {each.tier_id for each in past}
    return [
        step
        for step in plan.steps
        if step.tier.id not in tried and not any(_is_as_bad(step.tier, kind, tier) for kind, tier in failed)
    ]


def _is_as_bad(tier: Tier, kind: FaultKind, failed: Tier) -> bool:
    """Whether what ended an attempt of `failed` is to be expected of `tier` too."""
    if kind == "context_length":
        return tier.context_window <= failed.context_window
    if kind in _OF_ACCOUNT:
        return _account(tier, kind) == _account(failed, kind)
    return kind == "gate" and tier.position <= failed.position


def _account(tier: Tier, kind: FaultKind) -> str | int:
    """What a key or a purse opens is all of a provider; what a limit counts may be some of its tiers."""
    return tier.quota.group if tier.quota and kind != "account" else tier.provider.id


def _free_at(past: Sequence[Tried]) -> float:
    """From when one more attempt is not the fifth within three seconds."""
    if len(past) < MOST_AT_ONCE:
        return 0.0
    return past[-MOST_AT_ONCE].started_s + AT_ONCE_S


def _end(fault: Fault, *, is_event: bool = False) -> GiveUp:
    status = _STATUS.get(fault.kind, _BAD_GATEWAY)
    if fault.kind in {"content_filter", "bad_request"} and 400 <= fault.status < 500:
        status = fault.status
    return GiveUp(status, fault.message, fault.kind, fault.retry_after_s, is_event)
