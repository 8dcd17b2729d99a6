"""What calls come to in the unit of a budget."""

from __future__ import annotations

from telemetry.contracts import UsageRow
from telemetry.limits.granted import amount


def test_weighted_tokens_count_input_by_its_price_and_output_in_full() -> None:
    used = UsageRow(
        input_uncached=1_000, cache_read=10_000, cache_write_5m=400, cache_write_1h=50, cache_write_unknown=40, output=7
    )
    assert amount("weighted", used) == 1_000 + 1_000 + 500 + 100 + 50 + 7


def test_a_half_of_a_token_is_rounded_up_once_over_the_whole_sum() -> None:
    assert amount("weighted", UsageRow(cache_read=5)) == 1
    assert amount("weighted", UsageRow(cache_read=4)) == 0
    assert amount("weighted", UsageRow(cache_read=14)) == 1


def test_gross_tokens_count_each_once_and_dollars_no_token_at_all() -> None:
    used = UsageRow(input_uncached=1, cache_read=2, cache_write_5m=3, output=4, reasoning=4, cost_nanousd=5)
    assert (amount("gross", used), amount("usd", used)) == (10, 5)
