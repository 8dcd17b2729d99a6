"""When a prompt is cut: the triggers, and whether it pays with the provider's cache counted. Pure.

A provider keeps a prompt's beginning and reads it cheaply again, but only up to the first byte that differs. What
stands behind a cut has to be written anew: a cut every turn saved 12 % of tokens on recorded conversations, and the
input cost 20 % more.
"""

from __future__ import annotations

from msgspec import Struct

from routing.compression.state import State

_MILLION = 1_000_000


class Prices(Struct, frozen=True, kw_only=True):
    """Nano-dollars of a million tokens of input: `cache_write` of those that come for the first time, `cache_read` of
    those that the provider has kept. A provider that keeps nothing charges the same for both."""

    cache_write: int
    cache_read: int


class Policy(Struct, frozen=True, kw_only=True):
    """What a project or a key asks for. Sizes are tokens. A prompt is cut when it is longer than `session_tokens`, when
    the model was asked more than `turns` times since the last cut, or when `is_due`; and only where that pays. A tool's
    result that is longer than `result_tokens` is replaced before it first enters the prompt. The last `keep_steps`
    steps stay as they are, and those before them up to `keep_tokens`."""

    session_tokens: int = 50_000
    turns: int = 20
    result_tokens: int = 5_000
    keep_steps: int = 3
    keep_tokens: int = 2_000
    said_tokens: int = 400  # of a user's message, above which only its sentences that bind are kept in words
    prices: Prices | None = None  # None: nothing is known of a cache, and every cut that removes something pays
    cache_s: float = 300.0  # how long a provider keeps a prompt after its last use
    remaining: int | None = None  # calls that are likely to follow; None: as many as there were
    credit_percent: int = 5  # of what a conversation has cost: what a change may cost beyond all that was saved
    is_due: bool = False


class Edit(Struct, frozen=True):
    """What changing a prompt would do: tokens that every later call does without, tokens behind the change that the
    provider has kept and must write anew, and whether what is removed was never sent."""

    removed: int
    rewritten: int
    is_unsent: bool = False


class Purse(Struct, frozen=True):
    """What a conversation has for a change: calls there were, the rent that was paid (`rent`), and what may be lost at
    once (`left`), these two in nano-dollars a million; and whether the provider has kept nothing of it."""

    calls: int
    held: int
    left: int
    is_cold: bool


def is_triggered(policy: Policy, *, tokens: int, turns: int) -> bool:
    """Whether a prompt is long enough to look for what it can do without."""
    return policy.is_due or tokens > policy.session_tokens or turns > policy.turns


def pays(policy: Policy, edit: Edit, purse: Purse) -> bool:
    """Whether a change is worth what it costs. It costs the difference of a write and a read for all that is rewritten,
    and brings a read of what it removes with each call to come, of which as many are expected as there were; what was
    never sent brings a write at once. Removing what was sent must have cost as much already: whoever buys when the rent
    has come to the price pays at most twice what would have been best. And what it costs at once must be in the purse,
    so that a conversation that ends just then was not made dearer. With a cold cache all is written anew anyway."""
    if edit.removed <= 0:
        return False
    prices = policy.prices
    if prices is None or purse.is_cold:
        return True
    price = (prices.cache_write - prices.cache_read) * edit.rewritten
    at_once = (prices.cache_write if edit.is_unsent else prices.cache_read) * edit.removed
    expected = purse.calls if policy.remaining is None else policy.remaining
    is_due = edit.is_unsent or policy.is_due or purse.held >= price
    return is_due and at_once + expected * prices.cache_read * edit.removed > price and price - at_once <= purse.left


def purse(policy: Policy, state: State, *, is_cold: bool) -> Purse:
    """What a conversation has for a change."""
    left = state.saved_nanousd + state.came_nanousd * policy.credit_percent // 100
    return Purse(state.calls, state.held, left * _MILLION, is_cold)


def rent(policy: Policy, removable: int) -> int:
    """What keeping these tokens costs a call, in the unit of `held`: nano-dollars of a million such calls."""
    return policy.prices.cache_read * removable if policy.prices else 0


def cost_nanousd(prices: Prices, *, tokens: int, kept: int) -> int:
    """What a prompt costs of which the provider has kept so many tokens."""
    return (prices.cache_write * (tokens - kept) + prices.cache_read * kept) // _MILLION
