"""A prompt is changed when that saves money with the provider's cache counted, and not before."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from routing.compression.compress import Outcome, compress
from routing.compression.policy import Edit, Policy, Prices, Purse, cost_nanousd, pays
from routing.compression.state import State
from tests.conversations import Message, answered, called, printed, request, said

PRICES = Prices(cache_write=3_750_000_000, cache_read=300_000_000)
POLICY = Policy(prices=PRICES)
RICH = Purse(calls=0, held=10**18, left=10**18, is_cold=False)
TOKENS = st.integers(1, 100_000)


@given(TOKENS, TOKENS, TOKENS, st.integers(0, 200))
def test_an_edit_pays_where_all_calls_to_come_cost_less_with_it_than_without(
    removed: int, rewritten: int, ahead: int, calls: int
) -> None:
    def cost(tokens: int, kept: int) -> int:
        return PRICES.cache_write * (tokens - kept) + PRICES.cache_read * kept

    whole = ahead + removed + rewritten
    without = cost(whole, whole) * (calls + 1)
    with_it = cost(ahead + rewritten, ahead) + cost(ahead + rewritten, ahead + rewritten) * calls
    assert pays(replace(POLICY, remaining=calls), Edit(removed, rewritten), RICH) == (with_it < without)


def test_an_edit_waits_until_what_it_removes_has_cost_as_much_already() -> None:
    policy, edit = replace(POLICY, remaining=1_000), Edit(removed=1_000, rewritten=4_000)
    price = (PRICES.cache_write - PRICES.cache_read) * 4_000
    assert pays(policy, edit, replace(RICH, held=price))
    assert not pays(policy, edit, replace(RICH, held=price - 1))
    assert pays(replace(policy, is_due=True), edit, replace(RICH, held=0))


def test_an_edit_is_not_made_on_credit_that_is_not_there() -> None:
    policy, edit = replace(POLICY, remaining=1_000), Edit(removed=1_000, rewritten=4_000)
    at_once = (PRICES.cache_write - PRICES.cache_read) * 4_000 - PRICES.cache_read * 1_000
    assert pays(policy, edit, replace(RICH, left=at_once))
    assert not pays(policy, edit, replace(RICH, left=at_once - 1))


def test_a_cold_cache_and_a_provider_without_one_make_every_edit_pay_that_removes_something() -> None:
    poor = Purse(calls=0, held=0, left=0, is_cold=False)
    assert not pays(POLICY, Edit(10, 9_000), poor)
    assert pays(POLICY, Edit(10, 9_000), replace(poor, is_cold=True))
    assert pays(replace(POLICY, prices=Prices(cache_write=5, cache_read=5)), Edit(10, 9_000), poor)
    assert pays(replace(POLICY, prices=None), Edit(10, 9_000), poor)
    assert not pays(replace(POLICY, prices=None), Edit(0, 0), poor)


def test_what_a_prompt_costs_is_whole_nano_dollars() -> None:
    assert cost_nanousd(PRICES, tokens=1_000, kept=900) == 900 * 300 + 100 * 3_750


def test_a_pause_longer_than_the_cache_lives_is_when_a_cut_is_made() -> None:
    turns = steps(10, lines=12)
    policy = replace(POLICY, session_tokens=500, keep_tokens=300, credit_percent=0)
    assert last(turns, policy).changes == ()
    assert last(turns, policy, idle_s=301.0).changes == ("fold", "offer")
    assert last(turns, policy, idle_s=299.0).changes == ()


@pytest.mark.parametrize(("field", "low"), [("session_tokens", 500), ("turns", 5)])
def test_each_trigger_alone_lets_a_prompt_be_cut_and_without_one_it_stays(field: str, low: int) -> None:
    turns, policy = steps(10, lines=12), Policy(keep_tokens=300)
    assert last(turns, policy).changes == ()
    assert last(turns, replace(policy, **{field: low})).state.fold is not None
    assert last(turns, replace(policy, is_due=True)).state.fold is not None


def test_only_a_result_longer_than_its_trigger_is_replaced() -> None:
    turns = steps(1, lines=200)
    size = count(turns[1][1]["content"])
    assert last(turns, Policy(result_tokens=size)).changes == ()
    assert last(turns, Policy(result_tokens=size - 1)).changes == ("stub", "offer")


def test_a_result_that_was_sent_already_is_not_replaced_where_it_stands() -> None:
    turns = [*steps(1, lines=200), [said("assistant", "I see."), said("user", "Go on.")]]
    whole = list(chain(*turns))
    outcome = compress("openai.chat", request("openai.chat", whole), State(), Policy(result_tokens=400), count=count)
    assert outcome.body["messages"] == whole


def steps(number: int, *, lines: int) -> list[list[Message]]:
    """A conversation in which the model reads so many files."""
    turns = [[said("user", "Find the leak.")]]
    for at in range(number):
        call = called("openai.chat", "Reading.", [(f"c{at}", f"src/f{at}.py")])
        turns.append([call, *answered("openai.chat", [(f"c{at}", printed(at, lines))])])
    return turns


def last(turns: list[list[Message]], policy: Policy, *, idle_s: float | None = None) -> Outcome:
    """What the last request of a conversation becomes; `idle_s` is the pause before it."""
    state, made = State(), list[Outcome]()
    for number in range(len(turns)):
        body = request("openai.chat", list(chain(*turns[: number + 1])))
        pause = idle_s if number == len(turns) - 1 else None
        made.append(compress("openai.chat", body, state, policy, count=count, idle_s=pause))
        state = made[-1].state
    return made[-1]


count: Callable[[str], int] = lambda text: len(text) // 4 + 1  # noqa: E731
