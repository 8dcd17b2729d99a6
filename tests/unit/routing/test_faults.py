"""What follows from a fault."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.contracts import Fault, FaultKind, Plan, Provider, Quota, Step, Tier
from routing.ladder.faults import AT_ONCE_S, MOST, MOST_AT_ONCE, FallOver, GiveUp, Keep, Move, Retry, Tried, next_move

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


def tier(position: int, *, window: int = 32_768, group: str = "") -> Tier:
    account = len(group) * 100 or position
    provider = Provider(id=account, name=f"p{account}", family="openai", base_url="http://127.0.0.1:1")
    return Tier(
        id=position * 10,
        position=position,
        name=f"t{position}",
        provider=provider,
        model=f"m{position}",
        context_window=window,
        quota=Quota(group) if group else None,
    )


def plan(*tiers: Tier) -> Plan:
    return Plan(steps=tuple(Step(each, "") for each in tiers))


ONE, TWO, THREE = tier(1), tier(2, group="router"), tier(3, window=200_000, group="router")
LADDER = plan(ONE, TWO, THREE)
CLIMB = LADDER.steps[2]


def fault(kind: FaultKind, *, status: int = 0, retry_after_s: float | None = None) -> Fault:
    return Fault(kind=kind, message=f"what the provider says of {kind}", status=status, retry_after_s=retry_after_s)


def after(
    kinds: list[tuple[Tier, FaultKind]],
    *,
    of: Plan = LADDER,
    retry_after_s: float | None = None,
    status: int = 0,
    climb: Step | None = CLIMB,
) -> Move:
    """The move after attempts a second apart."""
    past = [Tried(each.id, float(n), kind) for n, (each, kind) in enumerate(kinds)]
    ended = fault(kinds[-1][1], status=status, retry_after_s=retry_after_s)
    return next_move(ended, past=past, elapsed_s=len(past), plan=of, climb=climb)


@pytest.mark.parametrize("kind", ["connect", "server", "malformed"])
def test_what_passes_is_tried_once_more_and_then_of_the_next_tier(kind: FaultKind) -> None:
    assert isinstance(after([(ONE, kind)]), Retry)
    assert after([(ONE, kind), (ONE, kind)]) == FallOver(LADDER.steps[1])


@pytest.mark.parametrize(
    "kind", ["no_answer", "slow_first_token", "silence", "cut", "busy", "quota", "model_missing", "unfit"]
)
def test_what_does_not_pass_goes_to_the_next_tier_at_once(kind: FaultKind) -> None:
    assert after([(ONE, kind)]) == FallOver(LADDER.steps[1])


def test_retry_after_is_waited_for_where_it_is_short_and_else_the_next_tier_is_asked() -> None:
    assert after([(ONE, "rate_limited")], retry_after_s=2) == Retry(2)
    assert after([(ONE, "rate_limited")], retry_after_s=30) == FallOver(LADDER.steps[1])


def test_a_limit_of_an_account_leaves_out_its_other_tiers_and_one_of_a_model_does_not() -> None:
    assert after([(TWO, "rate_limited"), (TWO, "rate_limited")], of=plan(TWO, THREE, ONE)) == FallOver(Step(ONE, ""))
    two_times: list[tuple[Tier, FaultKind]] = [(TWO, "upstream_limited")] * 2
    assert after(two_times, of=plan(TWO, THREE, ONE)) == FallOver(Step(THREE, ""))


def test_too_long_a_request_goes_to_a_larger_window_only() -> None:
    assert after([(ONE, "context_length")]) == FallOver(LADDER.steps[2])
    ended = after([(THREE, "context_length")], of=plan(THREE, ONE), status=400)
    assert isinstance(ended, GiveUp)
    assert ended.status == 400


def test_a_content_filter_is_not_routed_around_and_its_reason_reaches_the_caller() -> None:
    ended = after([(ONE, "content_filter")], status=400)
    assert ended == GiveUp(400, "what the provider says of content_filter", "content_filter")


def test_a_bad_request_is_the_callers_but_not_where_another_tier_had_begun_it() -> None:
    assert after([(ONE, "bad_request")], status=422) == GiveUp(
        422, "what the provider says of bad_request", "bad_request"
    )
    assert after([(ONE, "cut"), (TWO, "bad_request")]) == FallOver(LADDER.steps[2])


def test_an_answer_that_the_gate_refuses_climbs_once_to_the_tier_of_the_plan_and_is_else_kept() -> None:
    assert after([(ONE, "gate")]) == FallOver(LADDER.steps[2])
    assert after([(ONE, "gate"), (THREE, "gate")]) == Keep()
    assert after([(ONE, "gate")], climb=None) == Keep()


def test_an_answer_is_kept_where_the_climb_fails() -> None:
    assert after([(ONE, "gate"), (THREE, "no_answer")], of=plan(ONE, THREE)) == Keep()
    assert after([(ONE, "gate"), (THREE, "no_answer")]) == FallOver(LADDER.steps[1])


def test_after_bytes_were_sent_it_ends_in_an_event_whatever_the_fault() -> None:
    for kind in KINDS:
        move = next_move(fault(kind), past=[Tried(ONE.id, 0, kind)], elapsed_s=1, plan=LADDER, sent_bytes=1)
        assert isinstance(move, GiveUp)
        assert move.is_event


def test_a_single_tier_is_tried_again_until_the_attempts_are_used_up() -> None:
    kinds: list[tuple[Tier, FaultKind]] = []
    while isinstance(after([*kinds, (ONE, "server")], of=plan(ONE)), Retry):
        kinds.append((ONE, "server"))
    assert len(kinds) == MOST - 1


def test_no_attempt_begins_after_the_budget() -> None:
    late = next_move(fault("connect"), past=[Tried(ONE.id, 0, "connect")], elapsed_s=60, plan=LADDER, budget_s=60)
    assert isinstance(late, GiveUp)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tiers=st.lists(
        st.builds(tier, st.integers(1, 5), window=st.sampled_from([8_192, 200_000]), group=st.sampled_from(["", "a"])),
        min_size=1,
        max_size=5,
        unique_by=lambda each: each.position,
    ),
    kinds=st.lists(st.sampled_from(KINDS), min_size=12, max_size=12),
    retry_after_s=st.none() | st.floats(0, 100),
    took_s=st.lists(st.floats(0, 5), min_size=12, max_size=12),
)
def test_whatever_fails_it_ends_within_six_attempts_and_never_more_than_four_in_three_seconds(
    tiers: list[Tier], kinds: list[FaultKind], retry_after_s: float | None, took_s: list[float]
) -> None:
    of = plan(*tiers)
    climb = max(of.steps, key=lambda step: step.tier.position)
    past: list[Tried] = []
    clock, at = 0.0, tiers[0]
    for kind, took in zip(kinds, took_s, strict=True):
        past.append(Tried(at.id, clock, kind))
        clock += took
        move = next_move(fault(kind, retry_after_s=retry_after_s), past=past, elapsed_s=clock, plan=of, climb=climb)
        if not isinstance(move, Retry | FallOver):
            break
        assert move.after_s >= 0
        clock += move.after_s
        at = move.step.tier if isinstance(move, FallOver) else at
    else:
        pytest.fail("twelve attempts")
    assert len(past) <= MOST
    starts = [each.started_s for each in past]
    assert all(b - a >= AT_ONCE_S - 1e-9 for a, b in zip(starts, starts[MOST_AT_ONCE:], strict=False))
