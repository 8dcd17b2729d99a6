"""Expensive task: a run needed more tokens than a task should. Pure.

Source: the document's rule of 10,000 tokens, of input weighed by price and output; observability.md §7.2.
"""

from __future__ import annotations

from decimal import Decimal

from telemetry.observer.findings import Evidence, Facts, Finding, Limits, Meanings, Severity, Sieve, tokens_of

NAME = "expensive_task"
SEVERITY: Severity = "medium"
DEFAULTS = Limits(threshold=Decimal(10_000), allowance=Decimal(10_000))
MEANINGS = Meanings(
    threshold="tokens of a run, above which it is flagged",
    allowance="tokens of a run that are no waste",
    floor="tokens below which no run is flagged",
)
SUGGESTION = "Split the task into smaller ones, give it a smaller context, or let a cheaper model do its simple steps."


def judge(facts: Facts, limits: Limits) -> Finding | None:
    """Flag a total above `threshold` tokens."""
    total = facts.total_hundredths
    if total <= limits.threshold_hundredths or total < 100 * limits.floor_tokens:
        return None
    return Finding(
        detector=NAME,
        severity=SEVERITY,
        tokens=tokens_of(total),
        tokens_wasted=tokens_of(max(0, total - limits.allowance_hundredths)),
        evidence={
            "total": tokens_of(total),
            "threshold": float(limits.threshold),
            "allowance": float(limits.allowance),
            "input": tokens_of(facts.input_hundredths),
            "output": facts.output,
        },
    )


def sieve(limits: Limits) -> Sieve:
    """What `judge` asks, for the database."""
    return Sieve(
        total_from=max(limits.threshold_hundredths + 1, 100 * limits.floor_tokens),
        spared=limits.allowance_hundredths,
        evidence=("total", "threshold", "allowance", "input", "output"),
    )


def issue(evidence: Evidence) -> str:
    """The finding in a phrase: 95,137 tokens, more than 10,000."""
    return f"{evidence['total']:,} tokens, more than {evidence['threshold']:,.10g}"
