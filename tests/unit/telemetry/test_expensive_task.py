"""Expensive task: more than ten thousand tokens."""

from __future__ import annotations

from dataclasses import replace

from telemetry.observer.detectors.expensive_task import DEFAULTS, issue, judge
from tests.run_rows import facts


def test_what_is_beyond_ten_thousand_tokens_is_wasted() -> None:
    finding = judge(facts(input=80_137, output=15_000), DEFAULTS)
    assert finding is not None
    assert (finding.severity, finding.tokens, finding.tokens_wasted) == ("medium", 95_137, 85_137)
    assert issue(finding.evidence) == "95,137 tokens, more than 10,000"


def test_exactly_ten_thousand_is_not_flagged_and_a_hundredth_of_a_token_more_is() -> None:
    at_most = facts(input=9_000, output=1_000)
    assert judge(at_most, DEFAULTS) is None
    assert judge(replace(at_most, input_hundredths=900_001), DEFAULTS) is not None


def test_a_floor_above_the_threshold_holds() -> None:
    assert judge(facts(input=10_901, output=100), replace(DEFAULTS, floor_tokens=12_000)) is None


def test_a_small_run_and_an_empty_one_are_not_flagged() -> None:
    assert judge(facts(), DEFAULTS) is None
    assert judge(facts(input=0, output=0), DEFAULTS) is None
