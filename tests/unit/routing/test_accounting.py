"""What an attempt is in the ledger."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from routing.contracts import Fault, FaultKind, Limits, Provider, Tier, Usage, Verdict
from routing.gateway.accounting import call_of, cost_nanousd, label
from telemetry.contracts import Call
from tests.attempts import attempt, caller


def tier(**prices: object) -> Tier:
    provider = Provider(id=1, name="p", family="openai", base_url="http://127.0.0.1:1/v1")
    known = {"id": 1, "position": 1, "name": "t", "provider": provider, "model": "m", "context_window": 1000}
    return Tier(**known, limits=Limits(), **prices)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "flags"), [("provider", ()), ("counted", ("usage_counted",)), ("reserved", ("usage_reserved",))]
)
def test_usage_that_the_provider_did_not_say_is_marked(source: str, flags: tuple[str, ...]) -> None:
    usage = Usage(output=5, source=source)  # type: ignore[arg-type]
    assert call_of(attempt(usage=usage), caller()).quality == flags


def test_a_free_tier_costs_nothing_and_one_without_prices_is_left_to_the_price_book() -> None:
    usage = Usage(input_uncached=10, cache_read=5, output=2)
    assert cost_nanousd(tier(is_free=True, input_nanousd=3, output_nanousd=4), usage) == 0
    assert cost_nanousd(tier(input_nanousd=3, output_nanousd=4), usage) == 15 * 3 + 2 * 4
    assert cost_nanousd(tier(), usage) is None
    assert call_of(attempt(cost_nanousd=None), caller()).cost_usd is None


def test_what_the_provider_says_it_cost_comes_first_even_where_it_says_0() -> None:
    said = call_of(attempt(usage=Usage(output=1, cost_usd=Decimal(0)), cost_nanousd=7), caller())
    assert (said.cost_usd, said.cost_kind) == (Decimal(0), "provider")
    ours = call_of(attempt(cost_nanousd=7), caller())
    assert (ours.cost_usd, ours.cost_kind) == (Decimal("0.000000007"), "client_estimate")


@pytest.mark.parametrize(("kind", "error"), [("server", "server"), ("gate", ""), ("cancelled", "")])
def test_a_refused_answer_is_no_error_of_the_call(kind: FaultKind, error: str) -> None:
    found = call_of(attempt(fault=Fault(kind=kind, message="no", status=503)), caller())
    assert found.error_type == error
    assert (found.attributes or {})["fault"] == kind


def test_a_call_says_which_attempt_it_was_and_what_the_gate_found() -> None:
    said = call_of(attempt(), caller()).attributes or {}
    assert (said["request_id"], said["attempt"], said["is_final"], said["reason"]) == (
        "tloi_request",
        1,
        True,
        "the lowest that can",
    )
    refused = Verdict(passed=False, p_good=0.25, findings=("empty",))
    judged = call_of(attempt(verdict=refused), caller()).attributes or {}
    assert (judged["p_good"], judged["findings"]) == (0.25, ["empty"])


def test_whatever_a_provider_says_the_ledger_can_take_the_call() -> None:
    hostile = "\0\ud800" + "x" * 4000
    found = call_of(
        attempt(
            model=hostile,
            provider=hostile,
            finish_reason=hostile,
            usage=Usage(input_uncached=-5, output=2**60),
            duration_s=-1.0,
        ),
        caller(),
    )
    again = msgspec.json.decode(msgspec.json.encode(found), type=Call)
    assert (again.input_uncached, again.output, again.duration_ms) == (0, 2**53, 0)
    assert "\\u0000" not in msgspec.json.encode(found).decode()
    assert label("  a\0b ") == "ab"
