"""What is said of an anomaly, in pages, reports and alerts alike: its issue with the figure, and what to do. Pure.

The words are those of its detector's file. Evidence may be of an older version, and then lacks a number: the detector's
name is said instead. What comes from senders (a status, an execution's id) is handed on as it is: who prints it escapes
it.
"""

from __future__ import annotations

from collections.abc import Callable

from telemetry.observer.detectors import (
    context_bloat,
    duplicate_work,
    expensive_task,
    false_completion,
    inefficient_task,
)
from telemetry.observer.findings import Evidence

_ISSUES: dict[str, Callable[[Evidence], str]] = {
    context_bloat.NAME: context_bloat.issue,
    expensive_task.NAME: expensive_task.issue,
    duplicate_work.NAME: duplicate_work.issue,
    false_completion.NAME: false_completion.issue,
    inefficient_task.NAME: inefficient_task.issue,
}
_SUGGESTIONS = {
    context_bloat.NAME: context_bloat.SUGGESTION,
    expensive_task.NAME: expensive_task.SUGGESTION,
    duplicate_work.NAME: duplicate_work.SUGGESTION,
    false_completion.NAME: false_completion.SUGGESTION,
    inefficient_task.NAME: inefficient_task.SUGGESTION,
}
_FIGURES = {
    context_bloat.NAME: "ratio",
    expensive_task.NAME: "total",
    duplicate_work.NAME: "seconds",
    false_completion.NAME: "errors",
    inefficient_task.NAME: "total",
}


def title(detector: str) -> str:
    """A detector's name as people read it: Context bloat."""
    return detector.replace("_", " ").capitalize()


def suggestion(detector: str) -> str:
    """What to do about its findings; empty for a detector that is not known."""
    return _SUGGESTIONS.get(detector, "")


def issue(detector: str, evidence: Evidence) -> str:
    """A phrase with the figure that the detector compared, and what it compared it with."""
    try:
        return _ISSUES[detector](evidence)
    except (KeyError, TypeError, ValueError):
        return title(detector)


def figure(detector: str, evidence: Evidence) -> float | int | None:
    """The figure of the issue for machines: a ratio with one decimal, tokens, seconds, or errors; None: infinite, or
    not known."""
    value = evidence.get(_FIGURES.get(detector, ""))
    return value if isinstance(value, int | float) else None
