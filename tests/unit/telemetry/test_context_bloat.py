"""Context bloat: input beyond fifteen times the output, above a floor."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from telemetry.observer.detectors.context_bloat import DEFAULTS, SUGGESTION, issue, judge
from telemetry.observer.findings import Finding, Limits
from tests.run_rows import facts


def found(limits: Limits = DEFAULTS, **known: int) -> Finding:
    finding = judge(facts(**known), limits)
    assert finding is not None
    return finding


def test_input_beyond_fifteen_times_the_output_is_flagged_and_ten_times_are_no_waste() -> None:
    finding = found(input=63_142, output=2_500)
    assert (finding.severity, finding.tokens, finding.tokens_wasted) == ("high", 65_642, 38_142)
    assert finding.evidence == {"ratio": 25.3, "threshold": 15, "allowance": 10, "input": 63_142, "output": 2_500}
    assert issue(finding.evidence) == "input/output 25.3:1, more than 15:1"
    assert SUGGESTION


def test_exactly_fifteen_times_is_not_flagged_and_a_hundredth_of_a_token_more_is() -> None:
    assert judge(facts(input=15_000, output=1_000), DEFAULTS) is None
    more = replace(facts(output=1_000), input_hundredths=1_500_001)
    assert judge(more, DEFAULTS) is not None


def test_where_only_the_beginning_of_an_output_was_counted_nothing_is_said_of_the_ratio() -> None:
    assert judge(facts(input=63_142, output=3), DEFAULTS) is not None
    assert judge(facts(input=63_142, output=3, is_cut_off=True), DEFAULTS) is None


def test_no_output_is_beyond_every_ratio_and_all_input_is_wasted() -> None:
    finding = found(input=4_000, output=0)
    assert finding.tokens_wasted == 4_000
    assert issue(finding.evidence) == "input/output ∞:1, more than 15:1"


@pytest.mark.parametrize("output", [0, 1])
def test_input_below_the_floor_is_not_flagged(output: int) -> None:
    assert judge(facts(input=3_999, output=output), DEFAULTS) is None


def test_a_project_s_own_numbers_hold() -> None:
    limits = Limits(threshold=Decimal("2.5"), allowance=Decimal("0.5"), floor_tokens=10)
    assert judge(facts(input=250, output=100), limits) is None
    assert found(limits, input=251, output=100).tokens_wasted == 201


def test_an_allowance_above_the_threshold_wastes_nothing_rather_than_less() -> None:
    limits = Limits(threshold=Decimal(2), allowance=Decimal(9))
    assert found(limits, input=300, output=100).tokens_wasted == 0


def test_nothing_at_all_is_not_flagged() -> None:
    assert judge(facts(input=0, output=0), replace(DEFAULTS, floor_tokens=0)) is None
