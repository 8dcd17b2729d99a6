"""Inefficient task: a run that was over at once and cost much all the same. Pure.

Input is weighed by price: a short run whose context comes from a cache is the efficient case, and is not flagged.
Source: the document's rule of 5 seconds and 5,000 tokens; observability.md §7.2.
"""

from __future__ import annotations

from decimal import Decimal

from telemetry.observer.findings import Evidence, Facts, Finding, Limits, Meanings, Severity, Sieve, tokens_of

NAME = "inefficient_task"
SEVERITY: Severity = "medium"
DEFAULTS = Limits(threshold=Decimal(5), allowance=Decimal(5_000), floor_tokens=5_000)
MEANINGS = Meanings(
    threshold="seconds that a run took, below which it is flagged",
    allowance="tokens of such a run that are no waste",
    floor="tokens above which it is flagged, and not at or below them",
)
SUGGESTION = "Do small tasks together in one call, send them less context, or do them without a model."


def judge(facts: Facts, limits: Limits) -> Finding | None:
    """Flag a run of less than `threshold` seconds with more than `floor_tokens` tokens; one that does not say how long
    it took is not flagged."""
    total, took_ms = facts.total_hundredths, facts.duration_ms
    if took_ms is None or took_ms >= 10 * limits.threshold_hundredths or total <= 100 * limits.floor_tokens:
        return None
    return Finding(
        detector=NAME,
        severity=SEVERITY,
        tokens=tokens_of(total),
        tokens_wasted=tokens_of(max(0, total - limits.allowance_hundredths)),
        evidence={
            "took_s": took_ms / 1000,
            "threshold": float(limits.threshold),
            "total": tokens_of(total),
            "floor": limits.floor_tokens,
        },
    )


def sieve(limits: Limits) -> Sieve:
    """What `judge` asks, for the database."""
    return Sieve(
        total_from=100 * limits.floor_tokens + 1,
        below_ms=10 * limits.threshold_hundredths,
        spared=limits.allowance_hundredths,
        evidence=("took_s", "threshold", "total", "floor"),
    )


def issue(evidence: Evidence) -> str:
    """The finding in a phrase: 8,200 tokens in 1.4 s, more than 5,000 in less than 5 s."""
    return (
        f"{evidence['total']:,} tokens in {evidence['took_s']:.1f} s,"
        f" more than {evidence['floor']:,} in less than {evidence['threshold']:g} s"
    )
