"""One look at one rule: what it is looked at with, and what it remembers of the looks before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from telemetry.models import Alert, AlertRule, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """`firing` are the rule's alerts by their subjects; `period_at` is where the period began in which `now` lies."""

    conn: Connection[Any]
    rule: AlertRule
    project: Project
    tz: ZoneInfo
    now: datetime
    period_at: datetime
    firing: Mapping[str, Alert]

    def since(self, subject: str) -> datetime:
        """From when on what happens to a subject is told: its period, and what quiet hours kept back before it."""
        alert = self.firing.get(subject)
        if alert is None or (alert.told_at and alert.period_at < self.period_at):
            return self.period_at
        return min(self.period_at, alert.since_at)
