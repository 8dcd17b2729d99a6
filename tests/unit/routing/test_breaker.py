"""When a tier is left out, and when it is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.contracts import Fault, FaultKind, Provider, Tier
from routing.ladder import breaker
from routing.ladder.breaker import LONGEST_S, OF_LAST, OPENS_AFTER, SHORTEST_S, Breaker
from routing.ladder.health import Health

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
INNOCENT: tuple[FaultKind, ...] = (
    "context_length",
    "content_filter",
    "bad_request",
    "unfit",
    "busy",
    "quota",
    "gate",
    "cancelled",
)
GUILTY = tuple(kind for kind in get_args(FaultKind) if kind not in INNOCENT)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def opened(at: float = 0) -> Breaker:
    state = Breaker()
    for _ in range(OPENS_AFTER):
        state = breaker.noted(state, "server", now=later(at))
    return state


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    assert breaker.state(opened(), now=AT) == "open"
    state = Breaker()
    for kind in ("server", "server", None, "server", "server"):
        state = breaker.noted(state, kind, now=AT)
    assert breaker.state(state, now=AT) == "closed"


def test_half_of_the_last_calls_open_it_though_never_three_in_a_row_failed() -> None:
    state = Breaker()
    for n in range(OF_LAST):
        assert breaker.state(state, now=AT) == "closed"
        state = breaker.noted(state, "server" if n % 2 else None, now=AT)
    assert breaker.state(state, now=AT) == "open"


@pytest.mark.parametrize("kind", INNOCENT)
def test_what_says_nothing_of_the_tier_never_opens_it(kind: FaultKind) -> None:
    state = Breaker()
    for _ in range(50):
        state = breaker.noted(state, kind, now=AT)
    assert breaker.state(state, now=AT) == "closed"


def test_a_refused_key_opens_it_at_once() -> None:
    assert breaker.state(breaker.noted(Breaker(), "account", now=AT), now=AT) == "open"


def test_after_the_pause_one_call_is_let_through_and_no_second_while_it_is_out() -> None:
    state = opened()
    assert breaker.admitted(state, now=later(SHORTEST_S - 0.1)) is None
    probed = breaker.admitted(state, now=later(SHORTEST_S))
    assert probed is not None
    assert breaker.admitted(probed, now=later(SHORTEST_S + 1)) is None


def test_a_probe_that_answers_closes_it_and_one_that_fails_doubles_the_pause() -> None:
    probed = breaker.admitted(opened(), now=later(SHORTEST_S))
    assert probed is not None
    assert breaker.state(breaker.noted(probed, None, now=later(6)), now=later(6)) == "closed"
    failed = breaker.noted(probed, "server", now=later(6))
    assert failed.until == later(6 + 2 * SHORTEST_S)


def test_a_probe_of_which_nothing_is_heard_is_forgotten() -> None:
    probed = breaker.admitted(opened(), now=later(SHORTEST_S))
    assert probed is not None
    assert breaker.state(probed, now=later(SHORTEST_S + breaker.PROBE_S)) == "probing"


def test_a_probe_that_the_caller_cancels_leaves_the_next_one_free() -> None:
    probed = breaker.admitted(opened(), now=later(SHORTEST_S))
    assert probed is not None
    assert breaker.state(breaker.noted(probed, "cancelled", now=later(6)), now=later(6)) == "probing"


def test_calls_that_were_out_when_it_opened_do_not_lengthen_the_pause() -> None:
    state = opened()
    for n in range(20):
        state = breaker.noted(state, "no_answer", now=later(n / 10))
    assert state.until == later(SHORTEST_S)


def test_one_that_fails_again_soon_waits_longer_and_after_a_calm_minute_the_shortest_again() -> None:
    probed = breaker.admitted(opened(), now=later(5))
    assert probed is not None
    closed = breaker.noted(probed, None, now=later(5))
    soon = late = closed
    for _ in range(OPENS_AFTER):
        soon = breaker.noted(soon, "server", now=later(10))
        late = breaker.noted(late, "server", now=later(100))
    assert soon.until == later(10 + 2 * SHORTEST_S)
    assert late.until == later(100 + SHORTEST_S)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(down_s=st.floats(1, 600), every_s=st.floats(0.05, 4))
def test_after_an_outage_it_is_back_within_half_a_minute_and_few_calls_were_spent_on_it(
    down_s: float, every_s: float
) -> None:
    """Scenario 15 with any length and pace: a request every few seconds at most, the tier well again after `down_s`."""
    state, clock, spent = Breaker(), 0.0, 0
    while clock < down_s + 60:
        after = breaker.admitted(state, now=later(clock))
        if after is not None:
            is_down = clock < down_s
            spent += is_down
            state = breaker.noted(after, "server" if is_down else None, now=later(clock))
            if not is_down:
                break
        clock += every_s
    assert clock - down_s <= 30
    assert spent <= OPENS_AFTER + 3 + down_s / LONGEST_S


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from([None, *INNOCENT, *GUILTY]), st.floats(0, 30), st.none() | st.floats(0, 1e6)))
)
def test_no_history_closes_a_tier_for_longer_than_the_longest_pause(
    history: list[tuple[FaultKind | None, float, float | None]],
) -> None:
    state, clock = Breaker(), 0.0
    for kind, passed, retry_after_s in history:
        clock += passed
        state = breaker.admitted(state, now=later(clock)) or state
        state = breaker.noted(state, kind, now=later(clock), retry_after_s=retry_after_s)
        assert state.until is None or state.until <= later(clock + LONGEST_S)


def test_health_tells_the_state_of_each_tier_and_queues_what_opened_and_closed() -> None:
    provider = Provider(id=1, name="p", family="openai", base_url="http://127.0.0.1:1")
    tiers = [Tier(id=n, position=n, name=f"t{n}", provider=provider, model="m", context_window=8) for n in (1, 2)]
    health = Health()
    for _ in range(OPENS_AFTER):
        assert health.admit(1, now=AT)
        health.note(1, Fault(kind="connect", message="refused"), now=AT)
    states = health.states(tiers, now=AT, known={})
    assert [states[n].breaker for n in (1, 2)] == ["open", "closed"]
    assert not health.admit(1, now=AT)
    assert health.admit(1, now=later(SHORTEST_S))
    health.note(1, None, now=later(SHORTEST_S))
    assert [(change.tier_id, change.kind) for change in health.changes] == [(1, "connect"), (1, None)]
