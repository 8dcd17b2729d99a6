"""Duplicate work: begun within an hour of another run of the same task, which it repeats."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from telemetry.observer.detectors.duplicate_work import DEFAULTS, issue, judge
from telemetry.observer.findings import Earlier, Limits, is_changed
from tests.run_rows import MORNING, facts

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def after(time: timedelta, *, is_exempt: bool = False) -> Earlier:
    return Earlier(execution_id="first", started_at=MORNING - time, is_exempt=is_exempt)


def test_a_run_within_an_hour_of_another_wasted_all_of_its_tokens() -> None:
    finding = judge(facts(input=900, output=50, earlier=after(timedelta(minutes=12))), DEFAULTS)
    assert finding is not None
    assert (finding.severity, finding.tokens, finding.tokens_wasted) == ("medium", 950, 950)
    assert issue(finding.evidence) == "begun 12 min after another run of the same task (first), less than 60 min"


def test_an_hour_later_it_is_other_work() -> None:
    assert judge(facts(earlier=after(HOUR)), DEFAULTS) is None
    assert judge(facts(earlier=after(HOUR - TICK)), DEFAULTS) is not None


def test_a_run_begun_at_the_same_moment_repeats_the_other() -> None:
    finding = judge(facts(earlier=after(timedelta())), DEFAULTS)
    assert finding is not None
    assert finding.evidence["seconds"] == 0


def test_the_first_run_of_a_task_and_an_exempt_one_are_not_flagged() -> None:
    assert judge(facts(earlier=None), DEFAULTS) is None
    assert judge(facts(earlier=after(TICK, is_exempt=True)), DEFAULTS) is None


def test_a_run_that_spent_nothing_repeats_nothing() -> None:
    assert judge(facts(input=0, output=0, earlier=after(TICK)), DEFAULTS) is None


def test_a_project_s_own_numbers_hold() -> None:
    limits = Limits(threshold=Decimal("0.5"), allowance=Decimal(150))
    assert judge(facts(earlier=after(timedelta(milliseconds=500))), limits) is None
    finding = judge(facts(earlier=after(timedelta(milliseconds=499))), limits)
    assert finding is not None
    assert finding.tokens_wasted == 50


@pytest.mark.parametrize(
    ("now", "before", "changed"),
    [
        (("done", 0, "b"), ("done", 0, "a"), True),
        (("done", 0, "a"), ("done", 0, "a"), False),
        (("done", 0, ""), ("done", 0, "a"), False),
        (("done", 0, "a"), ("done", 0, ""), False),
        (("done", 0, ""), ("failed", 0, ""), True),
        (("Done", 0, ""), ("", 2, ""), True),
        (("done", 1, ""), ("failed", 1, ""), False),
        (("failed", 0, ""), ("failed", 0, ""), False),
        (("", 0, ""), ("failed", 0, ""), False),
        (("failed", 0, ""), ("done", 0, ""), False),
    ],
)
def test_something_else_came_out(now: tuple[str, int, str], before: tuple[str, int, str], changed: bool) -> None:
    status, errors, digest = now
    earlier_status, earlier_errors, earlier_digest = before
    found = is_changed(
        status=status,
        errors=errors,
        digest=digest,
        earlier_status=earlier_status,
        earlier_errors=earlier_errors,
        earlier_digest=earlier_digest,
    )
    assert found is changed
