"""Context bloat: a run read far more than it wrote. Pure.

Input is weighed by price, so that a context which is read again from a cache counts a tenth: on gross tokens seven of
seven public records of agents are flagged, which says nothing. Source: the document's rule 15:1; observability.md §7.2.
A ratio to an output of which only the beginning was counted says nothing either: Claude Code writes a line of its
transcript when an answer has begun, with three tokens of hundreds.
"""

from __future__ import annotations

from decimal import Decimal

from telemetry.observer.findings import Evidence, Facts, Finding, Limits, Meanings, Severity, Sieve, ratio, tokens_of

NAME = "context_bloat"
SEVERITY: Severity = "high"
DEFAULTS = Limits(threshold=Decimal(15), allowance=Decimal(10), floor_tokens=4_000)
MEANINGS = Meanings(
    threshold="input tokens a token of output, above which a run is flagged",
    allowance="input tokens a token of output that are no waste",
    floor="input tokens below which no run is flagged",
)
SUGGESTION = "Give the task only what it needs: drop old turns and tool results, summarise files, start a new session."


def judge(facts: Facts, limits: Limits) -> Finding | None:
    """Flag input beyond `threshold` times the output, where all of it is known; none at all is beyond every ratio."""
    if facts.is_cut_off or facts.input_hundredths < 100 * limits.floor_tokens:
        return None
    if facts.input_hundredths <= limits.threshold_hundredths * facts.output:
        return None
    wasted = facts.input_hundredths - limits.allowance_hundredths * facts.output
    return Finding(
        detector=NAME,
        severity=SEVERITY,
        tokens=tokens_of(facts.total_hundredths),
        tokens_wasted=tokens_of(max(0, wasted)),
        evidence={
            "ratio": ratio(facts.input_hundredths, facts.output),
            "threshold": float(limits.threshold),
            "allowance": float(limits.allowance),
            "input": tokens_of(facts.input_hundredths),
            "output": facts.output,
        },
    )


def sieve(limits: Limits) -> Sieve:
    """What `judge` asks, for the database."""
    return Sieve(
        input_from=100 * limits.floor_tokens,
        ratio_over=limits.threshold_hundredths,
        wasted_of="input",
        spared=limits.allowance_hundredths,
        is_spared_per_output=True,
        evidence=("ratio", "threshold", "allowance", "input", "output"),
    )


def issue(evidence: Evidence) -> str:
    """The finding in a phrase: input/output 25.3:1, more than 15:1."""
    shown = "∞" if evidence["ratio"] is None else f"{evidence['ratio']:,.1f}"
    return f"input/output {shown}:1, more than {evidence['threshold']:g}:1"
