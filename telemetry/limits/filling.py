"""Budgets that are nearly used up or over in the span that runs, of those that warn or are enforced.

Of sessions the fullest that goes on; of runs nobody asks here, for they are told of by what is expected of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from telemetry.limits.granted import Written
from telemetry.limits.standing import Standing, standings
from telemetry.limits.windows import Stage, stage_of


@dataclass(frozen=True, slots=True)
class Filled:
    """A budget of one subject, or of the session that `span` names, with what is used of it."""

    budget: Written
    subject: str
    span: str
    used: int

    @property
    def stage(self) -> Stage:
        """What is to be done about it."""
        return stage_of(self.used / self.budget.limit)


def filled(conn: Connection[Any], *, project_id: int, zone: str, now: datetime) -> list[Filled]:
    """Those from the stage `warn` on, the fullest first. Raises BadWindow where the zone is none."""
    found = standings(conn, project_id=project_id, zone=zone, now=now, but=("shadow",))
    told = [_filled(one) for one in found if one.budget.period != "run"]
    return sorted((one for one in told if one.stage != "ok"), key=lambda one: -one.used / one.budget.limit)


def _filled(one: Standing) -> Filled:
    if one.spans is None:
        return Filled(one.budget, one.subject, "", one.used)
    return Filled(one.budget, one.subject, one.spans.running, one.spans.running_used)
