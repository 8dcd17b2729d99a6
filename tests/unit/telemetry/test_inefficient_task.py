"""Inefficient task: over in less than five seconds, and more than five thousand tokens."""

from __future__ import annotations

from decimal import Decimal

import pytest

from telemetry.observer.detectors.inefficient_task import DEFAULTS, issue, judge
from telemetry.observer.findings import Limits
from tests.run_rows import facts


def test_what_is_beyond_five_thousand_tokens_in_less_than_five_seconds_is_wasted() -> None:
    finding = judge(facts(input=8_000, output=200, duration_ms=1_400), DEFAULTS)
    assert finding is not None
    assert (finding.severity, finding.tokens, finding.tokens_wasted) == ("medium", 8_200, 3_200)
    assert issue(finding.evidence) == "8,200 tokens in 1.4 s, more than 5,000 in less than 5 s"


@pytest.mark.parametrize(("tokens", "duration_ms"), [(5_000, 1), (5_001, 5_000), (50_000, None), (0, 0)])
def test_few_tokens_five_seconds_and_an_unknown_time_are_not_flagged(tokens: int, duration_ms: int | None) -> None:
    assert judge(facts(input=tokens, output=0, duration_ms=duration_ms), DEFAULTS) is None


def test_one_token_more_and_one_millisecond_less_are() -> None:
    finding = judge(facts(input=5_001, output=0, duration_ms=4_999), DEFAULTS)
    assert finding is not None
    assert finding.tokens_wasted == 1


def test_a_project_s_own_numbers_hold() -> None:
    limits = Limits(threshold=Decimal("0.25"), allowance=Decimal(100), floor_tokens=300)
    assert judge(facts(input=300, output=0, duration_ms=10), limits) is None
    assert judge(facts(input=301, output=0, duration_ms=250), limits) is None
    finding = judge(facts(input=301, output=0, duration_ms=249), limits)
    assert finding is not None
    assert finding.tokens_wasted == 201
