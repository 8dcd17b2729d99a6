"""False completion: a run says that it is done, and its errors say that it is not. Pure.

What is said can be judged where something speaks for or against it: errors and a failed look speak against, a look
that succeeded speaks for, whatever errors there were on the way. Where neither is sent, nobody can know. Source: the
document's rule; the three states of agent-claimcheck, observability.md §6.
"""

from __future__ import annotations

from decimal import Decimal

from telemetry.observer.findings import (
    Evidence,
    Facts,
    Finding,
    Limits,
    Meanings,
    Severity,
    Sieve,
    Verdict,
    tokens_of,
)

NAME = "false_completion"
SEVERITY: Severity = "high"
DEFAULTS = Limits(threshold=Decimal(1))
MEANINGS = Meanings(
    threshold="errors of a run that says it is done, from which on it is flagged",
    allowance="tokens of such a run that are no waste",
    floor="tokens below which no run is flagged",
)
SUGGESTION = "Let the task check its result before it says done, and end as failed while errors are left."


def verdict(facts: Facts, limits: Limits = DEFAULTS) -> Verdict:
    """What may be believed of a run's end. One that does not say that it is done claims nothing: unverifiable."""
    if not facts.is_done:
        return "unverifiable"
    if facts.is_verified is not None:
        return "verified" if facts.is_verified else "false"
    is_against = facts.errors > 0 and 100 * facts.errors >= limits.threshold_hundredths
    return "false" if is_against else "unverifiable"


def judge(facts: Facts, limits: Limits) -> Finding | None:
    """Flag a run whose end is not what it says."""
    total = facts.total_hundredths
    if total < 100 * limits.floor_tokens or verdict(facts, limits) != "false":
        return None
    return Finding(
        detector=NAME,
        severity=SEVERITY,
        tokens=tokens_of(total),
        tokens_wasted=tokens_of(max(0, total - limits.allowance_hundredths)),
        evidence={
            "status": facts.status,
            "errors": facts.errors,
            "threshold": float(limits.threshold),
            "verified": None if facts.is_verified is None else "no",
            "total": tokens_of(total),
        },
    )


def sieve(limits: Limits) -> Sieve:
    """What `judge` asks, for the database."""
    return Sieve(
        total_from=100 * limits.floor_tokens,
        errors_from=max(1, -(-limits.threshold_hundredths // 100)),
        spared=limits.allowance_hundredths,
        evidence=("status", "errors", "threshold", "verified", "total"),
    )


def issue(evidence: Evidence) -> str:
    """The finding in a phrase: says “done” with 2 errors."""
    errors = evidence["errors"]
    if evidence["verified"] == "no":
        return f"says “{evidence['status']}”, but a check of its result failed"
    return f"says “{evidence['status']}” with {errors:,} error{'' if errors == 1 else 's'}"
