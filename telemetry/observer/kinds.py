"""Which kinds of jobs the night has: a report of every period, of runs that are judged before it where `judges`."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.jobs.schedule import Cycle
from telemetry.observer.report.periods import Kind


@dataclass(frozen=True, slots=True)
class Work:
    """What a kind of job does."""

    cycle: Cycle
    report: Kind
    judges: bool = False


KINDS = {
    "daily-report": Work("day", "daily", judges=True),
    "weekly-report": Work("week", "weekly"),
    "monthly-report": Work("month", "monthly"),
}
