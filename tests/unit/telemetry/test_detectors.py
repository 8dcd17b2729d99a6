"""What holds for every detector: waste is at most the total, sieves say the same as judges, texts are for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.models import Detector as Choice
from telemetry.observer.detectors import context_bloat, expensive_task
from telemetry.observer.findings import Earlier, Facts, Finding, Limits, Sieve, tokens_of
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
        is_cut_off=draw(st.booleans()),
        status=draw(st.sampled_from(["", "done", "Done", "failed", "running"])),
        errors=draw(st.integers(0, 3)),
        duration_ms=draw(st.none() | st.integers(0, 10_000)),
        is_verified=draw(st.none() | st.booleans()),
        earlier=draw(st.none() | st.just(earlier)),
    )


LIMITS = st.builds(Limits, threshold=NUMBER, allowance=NUMBER, floor_tokens=st.integers(0, 20_000))


def passes(facts: Facts, sieve: Sieve) -> bool:
    """What the database asks of a run, in Python."""
    earlier, seen = facts.earlier, facts.is_verified
    is_repetition = earlier is not None and not earlier.is_exempt
    apart = facts.started_at - (earlier.started_at if earlier else facts.started_at)
    is_against = not seen if seen is not None else facts.errors >= (sieve.errors_from or 0)
    return (
        facts.input_hundredths >= sieve.input_from
        and facts.total_hundredths >= sieve.total_from
        and (sieve.ratio_over is None or not facts.is_cut_off)
        and (sieve.ratio_over is None or facts.input_hundredths > sieve.ratio_over * facts.output)
        and (sieve.below_ms is None or (facts.duration_ms is not None and facts.duration_ms < sieve.below_ms))
        and (sieve.errors_from is None or (facts.is_done and is_against))
        and (sieve.within_ms is None or (is_repetition and apart < timedelta(milliseconds=sieve.within_ms)))
    )


def wasted(facts: Facts, sieve: Sieve) -> int:
    """What the database finds wasted, in Python."""
    of = facts.input_hundredths if sieve.wasted_of == "input" else facts.total_hundredths
    return tokens_of(max(0, of - sieve.spared * (facts.output if sieve.is_spared_per_output else 1)))


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.NAME)
@given(facts=all_facts(), limits=LIMITS)
def test_a_detector_and_its_sieve_say_the_same_and_waste_is_at_most_the_total(
    detector: Detector, facts: Facts, limits: Limits
) -> None:
    finding, sieve = detector.judge(facts, limits), detector.sieve(limits)
    assert (finding is not None) == passes(facts, sieve)
    if finding is not None:
        assert finding.tokens_wasted == wasted(facts, sieve)
        assert 0 <= finding.tokens_wasted <= finding.tokens == tokens_of(facts.total_hundredths)
        assert (finding.detector, finding.severity) == (detector.NAME, detector.SEVERITY)
        assert tuple(finding.evidence) == sieve.evidence
        assert detector.issue(finding.evidence)


def test_each_detector_can_be_chosen_in_the_admin_and_says_what_its_numbers_mean() -> None:
    assert sorted(detector.NAME for detector in DETECTORS) == sorted(Choice.values)
    assert all(detector.SUGGESTION.endswith(".") for detector in DETECTORS)
    assert all(detector.MEANINGS.threshold for detector in DETECTORS)


def finding(figure: int, *, tokens: int = 100) -> Finding:
    return Finding(detector="x", severity="high", tokens=tokens, tokens_wasted=figure, evidence={})


def test_a_run_counts_once_with_its_largest_figure_and_never_above_its_total() -> None:
    assert once([]) == 0
    assert once([finding(30), finding(70), finding(50)]) == 70
    assert once([finding(90, tokens=80), finding(10, tokens=80)]) == 80


@settings(deadline=None)
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
