"""Which detectors there are, and what a project says of them: its numbers, and the task types that it lets pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from telemetry.models import AllowedWaste, DetectorRule, Project
from telemetry.observer.detectors import (
    context_bloat,
    duplicate_work,
    expensive_task,
    false_completion,
    inefficient_task,
)
from telemetry.observer.findings import Evidence, Facts, Finding, Limits, Meanings, Severity, Sieve


class Detector(Protocol):
    """What a file of `detectors/` has."""

    NAME: str
    SEVERITY: Severity
    DEFAULTS: Limits
    MEANINGS: Meanings
    SUGGESTION: str

    def judge(self, facts: Facts, limits: Limits) -> Finding | None:
        """What it says of a run; None: nothing."""

    def sieve(self, limits: Limits) -> Sieve:
        """The same as `judge`, for the database."""

    def issue(self, evidence: Evidence) -> str:
        """A finding in a phrase."""


DETECTORS: tuple[Detector, ...] = (
    context_bloat,
    expensive_task,
    duplicate_work,
    false_completion,
    inefficient_task,
)
BY_NAME: Mapping[str, Detector] = {detector.NAME: detector for detector in DETECTORS}


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds in a project: how it counts input, the numbers of each detector that is on, in order, and which
    (detector, task type) it lets pass."""

    measure: str
    limits: Mapping[str, Limits]
    allowed: frozenset[tuple[str, str]] = frozenset()

    def findings(self, facts: Facts) -> list[Finding]:
        """What the detectors say of a run."""
        return [
            finding
            for name, limits in self.limits.items()
            if (finding := BY_NAME[name].judge(facts, limits)) and (name, facts.task_type) not in self.allowed
        ]


def rules_of(*, project_id: int) -> Rules:
    """The rules of a project; the defaults, weighed, where nothing is written down of it."""
    measure = Project.objects.filter(pk=project_id).values_list("token_measure", flat=True).first()
    written = {rule.detector: rule for rule in DetectorRule.objects.filter(project_id=project_id)}
    limits = {
        detector.NAME: limits_of(detector, written.get(detector.NAME))
        for detector in DETECTORS
        if detector.NAME not in written or written[detector.NAME].is_enabled
    }
    accepted = AllowedWaste.objects.filter(
        project_id=project_id, accepted_at__isnull=False, dismissed_at__isnull=True
    ).values_list("detector", "task_type")
    return Rules(measure or "weighted", limits, frozenset(accepted))


def limits_of(detector: Detector, rule: DetectorRule | None) -> Limits:
    """The numbers of a detector; those that a rule leaves empty are its defaults. Where only the excess over the
    threshold is waste, as it is of an expensive task, an empty allowance goes with the threshold."""
    limits = detector.DEFAULTS
    if rule is None:
        return limits
    if rule.threshold is not None:
        is_excess = limits.allowance == limits.threshold
        limits = replace(limits, threshold=rule.threshold, allowance=rule.threshold if is_excess else limits.allowance)
    if rule.allowance is not None:
        limits = replace(limits, allowance=rule.allowance)
    if rule.floor_tokens is not None:
        limits = replace(limits, floor_tokens=rule.floor_tokens)
    return limits


def sieves_of(rules: Rules) -> dict[str, Sieve]:
    """The sieves of the detectors that are on."""
    return {name: BY_NAME[name].sieve(limits) for name, limits in rules.limits.items()}


def lookback(rules: Rules) -> timedelta:
    """How long before a run another of its task may have begun, for detectors that ask; 0 where none does."""
    return timedelta(milliseconds=max((one.within_ms or 0 for one in sieves_of(rules).values()), default=0))
