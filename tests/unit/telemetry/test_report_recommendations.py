"""A report recommends what its findings ask for, the most pressing first, and nothing else."""

from __future__ import annotations

from telemetry.observer.report.document import Usage
from telemetry.observer.report.recommendations import recommendations
from tests.reports import summary

NOTHING = Usage()


def test_nothing_found_asks_for_nothing() -> None:
    assert recommendations(summary(), NOTHING) == ()
    assert recommendations(summary(tasks=5, input_tokens=10_000, output_tokens=1_000), NOTHING) == ()


def test_high_severity_waste_and_ratio_come_first_and_in_this_order() -> None:
    found = summary(
        input_tokens=376_990,
        output_tokens=32_782,
        average_io_ratio=11.5,
        anomalies_by_severity={"high": 4, "medium": 5},
        anomalies_by_type={"duplicate_work": 2},
        tokens_wasted=345_022,
        tokens_wasted_overlapping=529_407,
    )
    said = recommendations(found, NOTHING)
    assert [one.kind for one in said] == ["high_severity", "reduce_waste", "optimize_context", "duplicate_work"]
    assert [one.priority for one in said] == ["urgent", "high", "normal", "normal"]
    assert "4 high-severity anomalies" in said[0].text
    assert "529,407 tokens over all anomalies, 345,022 with each task counted once" in said[1].text
    assert "11.5:1 on average, against a target below 10:1" in said[2].text


def test_the_ratio_is_compared_before_it_is_rounded() -> None:
    kinds = [
        [one.kind for one in recommendations(summary(input_tokens=inputs, output_tokens=1_000), NOTHING)]
        for inputs in (10_000, 10_001)
    ]
    assert kinds == [[], ["optimize_context"]]


def test_input_without_any_output_exceeds_every_target() -> None:
    (said,) = recommendations(summary(input_tokens=1), NOTHING)
    assert "without any output" in said.text


def test_each_cause_with_a_remedy_of_its_own_is_named_once_with_its_count() -> None:
    found = summary(anomalies_by_type={"duplicate_work": 1, "false_completion": 1200, "inefficient_task": 3})
    said = {one.kind: one.text for one in recommendations(found, Usage(calls=9, unpriced_calls=7))}
    assert list(said) == ["duplicate_work", "false_completion", "inefficient_task", "unpriced_models"]
    counts = ("1 run repeats", "1,200 tasks", "3 tasks", "7 calls")
    assert all(count in text for count, text in zip(counts, said.values(), strict=True))
