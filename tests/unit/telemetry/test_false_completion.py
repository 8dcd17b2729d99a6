"""False completion: what says that it is done and is not; and the three things that may be known of any end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from telemetry.observer.detectors.false_completion import DEFAULTS, issue, judge, verdict
from telemetry.observer.findings import Limits
from tests.run_rows import facts


@pytest.mark.parametrize("status", ["done", "completed", "SUCCESS", "ok"])
def test_done_with_errors_wasted_everything(status: str) -> None:
    finding = judge(facts(input=7_000, output=500, status=status, errors=2), DEFAULTS)
    assert finding is not None
    assert (finding.severity, finding.tokens, finding.tokens_wasted) == ("high", 7_500, 7_500)
    assert issue(finding.evidence) == f"says “{status}” with 2 errors"


def test_a_failed_check_of_what_is_done_is_found_without_errors() -> None:
    finding = judge(facts(status="done", is_verified=False), DEFAULTS)
    assert finding is not None
    assert issue(finding.evidence) == "says “done”, but a check of its result failed"


@pytest.mark.parametrize("status", ["failed", "", "running", "not done", "d\u043ene"])
def test_errors_of_a_run_that_does_not_say_done_are_no_lie(status: str) -> None:
    assert judge(facts(status=status, errors=3), DEFAULTS) is None


def test_done_without_errors_is_not_flagged() -> None:
    assert judge(facts(status="done"), DEFAULTS) is None


@pytest.mark.parametrize(
    ("status", "errors", "is_verified", "said"),
    [
        ("done", 1, None, "false"),
        ("done", 0, False, "false"),
        ("done", 0, True, "verified"),
        ("done", 4, True, "verified"),
        ("done", 0, None, "unverifiable"),
        ("failed", 0, None, "unverifiable"),
        ("failed", 2, True, "unverifiable"),
        ("", 0, None, "unverifiable"),
    ],
)
def test_an_end_is_false_verified_or_unverifiable(
    status: str, errors: int, is_verified: bool | None, said: str
) -> None:
    assert verdict(facts(status=status, errors=errors, is_verified=is_verified)) == said


def test_a_project_may_let_errors_pass_up_to_a_number() -> None:
    limits = Limits(threshold=Decimal(3), allowance=Decimal(50))
    assert judge(facts(status="done", errors=2), limits) is None
    finding = judge(facts(status="done", errors=3), limits)
    assert finding is not None
    assert finding.tokens_wasted == 150


def test_even_a_threshold_of_none_needs_an_error() -> None:
    assert judge(facts(status="done", errors=0), Limits(threshold=Decimal(0))) is None
