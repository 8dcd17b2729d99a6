"""What holds for every detector: waste is at most the total, bounds keep nothing back, texts are for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.models import Detector as Choice
from telemetry.observer.detectors import context_bloat, expensive_task
from telemetry.observer.findings import Bounds, Earlier, Facts, Finding, Limits
from telemetry.observer.rules import DETECTORS, Detector
from telemetry.observer.waste import once
from tests.run_rows import MORNING

TOKENS = st.one_of(st.integers(0, 30_000), st.integers(0, 2**63 - 1))
NUMBER = st.decimals(0, 50_000, places=2)


@st.composite
def all_facts(draw: st.DrawFn) -> Facts:
    earlier = Earlier(
        execution_id="first",
        started_at=MORNING - timedelta(seconds=draw(st.integers(0, 7_200))),
        is_exempt=draw(st.booleans()),
    )
    return Facts(
        execution_id="run",
        started_at=MORNING,
        input_hundredths=draw(st.one_of(st.integers(0, 3_000_000), st.integers(0, 2**72))),
        output=draw(TOKENS),
        status=draw(st.sampled_from(["", "done", "Done", "failed", "running"])),
        errors=draw(st.integers(0, 3)),
        duration_ms=draw(st.none() | st.integers(0, 10_000)),
        is_verified=draw(st.none() | st.booleans()),
        earlier=draw(st.none() | st.just(earlier)),
    )


LIMITS = st.builds(Limits, threshold=NUMBER, allowance=NUMBER, floor_tokens=st.integers(0, 20_000))


def meets(facts: Facts, bounds: Bounds) -> bool:
    """What the database asks of a run, in Python."""
    says_more = facts.is_verified is False or facts.errors >= (bounds.errors_from or 0)
    return (
        facts.input_hundredths >= bounds.input_from
        and facts.total_hundredths >= bounds.total_from
        and (bounds.ratio_over is None or facts.input_hundredths > bounds.ratio_over * facts.output)
        and (bounds.below_ms is None or (facts.duration_ms is not None and facts.duration_ms < bounds.below_ms))
        and (bounds.errors_from is None or (facts.is_done and says_more))
        and (bounds.within_ms is None or facts.earlier is not None)
    )


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.NAME)
@given(facts=all_facts(), limits=LIMITS)
def test_what_is_flagged_meets_its_bounds_and_wastes_at_most_its_total(
    detector: Detector, facts: Facts, limits: Limits
) -> None:
    finding = detector.judge(facts, limits)
    if finding is None:
        return
    assert meets(facts, detector.bounds(limits))
    assert 0 <= finding.tokens_wasted <= finding.tokens
    assert (finding.detector, finding.severity) == (detector.NAME, detector.SEVERITY)
    assert detector.issue(finding.evidence)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.NAME)
def test_a_bound_that_is_too_narrow_is_seen(detector: Detector) -> None:
    facts = Facts(
        execution_id="run",
        started_at=MORNING,
        input_hundredths=10_000_000,
        output=1,
        status="done",
        errors=1,
        duration_ms=1,
        earlier=Earlier(execution_id="first", started_at=MORNING),
    )
    assert detector.judge(facts, detector.DEFAULTS) is not None
    assert not meets(facts, replace(detector.bounds(detector.DEFAULTS), total_from=10_000_101))


def test_each_detector_can_be_chosen_in_the_admin_and_says_what_its_numbers_mean() -> None:
    assert sorted(detector.NAME for detector in DETECTORS) == sorted(Choice.values)
    assert all(detector.SUGGESTION.endswith(".") for detector in DETECTORS)
    assert all(detector.MEANINGS.threshold for detector in DETECTORS)


def finding(wasted: int, *, tokens: int = 100) -> Finding:
    return Finding(detector="x", severity="high", tokens=tokens, tokens_wasted=wasted, evidence={})


def test_a_run_counts_once_with_its_largest_figure_and_never_above_its_total() -> None:
    assert once([]) == 0
    assert once([finding(30), finding(70), finding(50)]) == 70
    assert once([finding(90, tokens=80), finding(10, tokens=80)]) == 80


@given(facts=all_facts())
def test_the_order_of_findings_changes_nothing_and_once_is_between_the_largest_and_the_sum(facts: Facts) -> None:
    found = [one for detector in DETECTORS if (one := detector.judge(facts, detector.DEFAULTS))]
    assert once(found) == once(found[::-1])
    assert max((one.tokens_wasted for one in found), default=0) == once(found)


def test_weighing_is_what_keeps_a_cached_context_from_being_flagged() -> None:
    """posthog-js #3615 (observability.md §7.2): 58:1 gross, 13.3:1 by price."""
    gross = Facts(execution_id="run", started_at=MORNING, input_hundredths=3_261_100, output=561)
    weighed = replace(gross, input_hundredths=100 * 4_656 + 10 * 27_955)
    assert context_bloat.judge(gross, context_bloat.DEFAULTS) is not None
    assert context_bloat.judge(weighed, context_bloat.DEFAULTS) is None
    assert expensive_task.judge(weighed, replace(expensive_task.DEFAULTS, threshold=Decimal(5_000))) is not None
