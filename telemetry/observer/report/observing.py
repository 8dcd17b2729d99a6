"""A project is observed now: what is new is added up, runs and days of a period are judged, its report is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from telemetry.models import Project
from telemetry.observer import judging, live
from telemetry.observer.report import making
from telemetry.observer.report.periods import Period
from telemetry.outlook import trends
from telemetry.series import rollups


@dataclass(frozen=True, slots=True)
class Observed:
    """A report as plain values; `is_complete`: all that was recorded before was added up."""

    plain: dict[str, Any]
    is_complete: bool


def observe(conn: Connection[Any], *, project: Project, period: Period, now: datetime, patience_s: float) -> Observed:
    """Judge a period and make its report anew; adding up may take so many seconds twice. The result is the same
    however often it is done. To be called outside of a transaction. Raises BadWindow, psycopg.Error."""
    start, end = period.bounds(project.time_zone)
    folded = rollups.catch_up(conn, project_id=project.pk, now=now, patience=patience_s)
    summed = live.catch_up(conn, project_id=project.pk, now=now, patience_s=patience_s)
    judging.judge_span(conn, project_id=project.pk, start=start, end=end, now=now)
    trends.judge_day(conn, project=project, day=period.last_day, now=now)
    report = making.make(
        conn, project=project, kind=period.kind, first_day=period.first_day, last_day=period.last_day, now=now
    )
    return Observed(report.document, folded.is_clean and summed)
