"""Input is weighed as it is priced, and stays exact."""

from __future__ import annotations

from telemetry.usage import weighted_hundredths


def test_a_token_weighs_what_it_costs_beside_an_uncached_one() -> None:
    weights = {
        "uncached": 100,
        "cache_read": 10,
        "cache_write_5m": 125,
        "cache_write_1h": 200,
        "cache_write_unknown": 125,
    }
    nothing = dict.fromkeys(weights, 0)
    assert {name: weighted_hundredths(**{**nothing, name: 1}) for name in weights} == weights
    assert weighted_hundredths(**dict.fromkeys(weights, 1_000)) == 1_000 * sum(weights.values())
