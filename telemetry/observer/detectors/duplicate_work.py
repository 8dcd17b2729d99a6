"""Duplicate work: a run of a task that another run had begun a short while before. Pure.

Which runs are of one task is decided where runs are added up (`Run.task_key`). A run repeats nothing where the provider
failed the one before, or something else came out of it: that is a retry, or a look whether something changed. Source:
the document's rule of one hour; redoing that is legitimate: observability.md §6, §7.2.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from telemetry.observer.findings import Evidence, Facts, Finding, Limits, Meanings, Severity, Sieve, tokens_of

NAME = "duplicate_work"
SEVERITY: Severity = "medium"
DEFAULTS = Limits(threshold=Decimal(3_600), floor_tokens=1)
MEANINGS = Meanings(
    threshold="seconds after another run of the same task, below which a run is flagged; 30 days at most",
    allowance="tokens of a repeated run that are no waste",
    floor="tokens below which no run is flagged",
)
SUGGESTION = "Look up what the run before brought instead of doing it again; let one agent own the task, or cache it."
MOST_MS = 30 * 24 * 3_600_000  # longer ago is not looked for
_INSTANT = timedelta(microseconds=1)


def judge(facts: Facts, limits: Limits) -> Finding | None:
    """Flag a run that began less than `threshold` seconds after another of its task."""
    earlier, total = facts.earlier, facts.total_hundredths
    if earlier is None or earlier.is_exempt or total < 100 * limits.floor_tokens:
        return None
    after = facts.started_at - earlier.started_at
    if after >= timedelta(milliseconds=min(10 * limits.threshold_hundredths, MOST_MS)):
        return None
    return Finding(
        detector=NAME,
        severity=SEVERITY,
        tokens=tokens_of(total),
        tokens_wasted=tokens_of(max(0, total - limits.allowance_hundredths)),
        evidence={
            "earlier": earlier.execution_id,
            "seconds": after // _INSTANT / 1_000_000,
            "threshold": float(limits.threshold),
            "total": tokens_of(total),
        },
    )


def sieve(limits: Limits) -> Sieve:
    """What `judge` asks, for the database."""
    return Sieve(
        total_from=100 * limits.floor_tokens,
        within_ms=min(10 * limits.threshold_hundredths, MOST_MS),
        spared=limits.allowance_hundredths,
        evidence=("earlier", "seconds", "threshold", "total"),
    )


def issue(evidence: Evidence) -> str:
    """The finding in a phrase: begun 12 min after another run of the same task (run-7), less than 60 min."""
    return (
        f"begun {_spoken(evidence['seconds'])} after another run of the same task ({evidence['earlier']}),"
        f" less than {_spoken(evidence['threshold'])}"
    )


def _spoken(seconds: float | str | None) -> str:
    value = float(seconds or 0)
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"
