"""Costs are genai-prices' own, to the nano-dollar; free is 0, unknown is nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import genai_prices
import pytest
from genai_prices import Usage
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.contracts import Call
from telemetry.ledger.pricing import PRICE_VERSION, computed_nanousd, nanousd
from telemetry.usage import input_total

MODELS = (
    ("anthropic", "claude-opus-4-6"),  # two context tiers
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("openai", "gpt-5"),
    ("openai", "gpt-5.4"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),  # cheaper at night
    ("openrouter", "moonshotai/kimi-k2"),
    ("perplexity", "sonar"),  # a fee a request
    ("", "gpt-5-codex"),
)
TIERS = ("", "standard", "priority", "flex", "batch", "fast")
TOKENS = st.one_of(st.integers(0, 5_000), st.integers(150_000, 300_000), st.integers(0, 2_000_000))


def call(**fields: object) -> Call:
    return Call(**{"started_at": datetime(2026, 2, 3, 12, tzinfo=UTC), "model": "gpt-5", **fields})  # type: ignore[arg-type]


def cost(call: Call) -> int | None:
    return computed_nanousd(call, input_total(call))[0]


def in_the_library(call: Call) -> int:
    """What genai-prices asks for a call, in nano-dollars."""
    usage = Usage(
        input_tokens=input_total(call),
        cache_read_tokens=call.cache_read,
        cache_write_tokens=call.cache_write_5m + call.cache_write_1h + call.cache_write_unknown,
        cache_write_1h_tokens=call.cache_write_1h,
        output_tokens=call.output,
    )
    tier = call.service_tier
    price = genai_prices.calc_price(
        usage,
        call.model,
        provider_id=call.provider or None,
        genai_request_timestamp=call.started_at,
        price_context={"service_tier": tier, "speed": tier, "processing": tier} if tier else None,
    )
    return int((price.total_price * 10**9).to_integral_value(ROUND_HALF_EVEN))


@settings(max_examples=400, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    service_tier=st.sampled_from(TIERS),
    minutes=st.integers(0, 600 * 24 * 60),
    buckets=st.tuples(TOKENS, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS),
)
def test_the_product_is_the_librarys_own_result(
    model: tuple[str, str], service_tier: str, minutes: int, buckets: tuple[int, int, int, int, int, int]
) -> None:
    names = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")
    one = call(
        provider=model[0],
        model=model[1],
        service_tier=service_tier,
        started_at=datetime(2025, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes),
        **dict(zip(names, buckets, strict=True)),
    )
    assert cost(one) == in_the_library(one)


def test_a_call_at_night_costs_what_the_night_costs() -> None:
    day, night = datetime(2025, 3, 3, 12, tzinfo=UTC), datetime(2025, 3, 3, 20, tzinfo=UTC)
    calls = [call(provider="deepseek", model="deepseek-chat", output=10**6, started_at=at) for at in (day, night)]
    assert [cost(one) for one in calls] == [1_100_000_000, 550_000_000]


def test_one_token_above_the_threshold_all_tokens_cost_more() -> None:
    at = call(provider="anthropic", model="claude-opus-4-6", cache_read=200_000)
    above = call(provider="anthropic", model="claude-opus-4-6", cache_read=200_001)
    assert (cost(at), cost(above)) == (100_000_000, 200_001_000)


def test_the_price_version_is_named() -> None:
    assert computed_nanousd(call(), 0)[1] == PRICE_VERSION


@pytest.mark.parametrize("model", ["qwen/qwen3-coder:free", "anything:free"])
def test_a_free_model_costs_nothing(model: str) -> None:
    assert cost(call(provider="openrouter", model=model, output=10**6)) == 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [("", "house-llama"), ("openrouter", "openrouter/no-such-model"), ("my-own-server", "claude-opus-4-6")],
)
def test_an_unknown_model_has_no_cost(provider: str, model: str) -> None:
    assert computed_nanousd(call(provider=provider, model=model, output=5), 0) == (None, "")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-0.01", "1000000.000000001", "1E+400"])
def test_a_reported_cost_must_be_believable(text: str) -> None:
    with pytest.raises(ValueError, match="cost_usd"):
        nanousd(Decimal(text))


def test_a_reported_cost_is_rounded_half_to_even() -> None:
    assert [nanousd(Decimal(text)) for text in ("0.0000000005", "0.0000000015", "71.36458935")] == [
        0,
        2,
        71_364_589_350,
    ]
