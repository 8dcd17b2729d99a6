"""Anomalies of at least a severity that nobody has judged yet, by detector.

They are those that were found in this period, in runs of the last two days: whoever imports the transcripts of a year
is not told of each. So 97 findings of one detector are one message, and the next period has one more at most.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.models import Anomaly, Detector
from telemetry.observer import wording
from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.message import Fact, Held, Link, execution_page, one_line, page
from telemetry.statements import statement

BEGUN_WITHIN = timedelta(days=2)
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Fresh:
    """One of the worst findings of a detector, with how many there are of it, what they wasted, and their severity."""

    detector: str
    count: int
    tokens_wasted: int
    is_high: bool
    execution_id: str
    task: str
    evidence: str  # JSON


def look(glance: Glance) -> list[Held]:
    """A `Held` a detector that found something."""
    detectors = [glance.rule.detector] if glance.rule.detector else list(Detector.values)
    found: dict[str, list[Fresh]] = {}
    for one in fresh_anomalies(
        glance.conn,
        project_id=glance.project.pk,
        since={detector: glance.since(detector) for detector in detectors},
        high_only=glance.rule.severity == Anomaly.Severity.HIGH,
        now=glance.now,
    ):
        found.setdefault(one.detector, []).append(one)
    return [_held(glance, detector, worst) for detector, worst in found.items()]


def fresh_anomalies(
    conn: Connection[Any], *, project_id: int, since: Mapping[str, datetime], high_only: bool, now: datetime
) -> list[Fresh]:
    """The worst findings of each detector that were found from its moment on."""
    arguments = {
        "project": project_id,
        "detectors": list(since),
        "since": list(since.values()),
        "severities": ["high"] if high_only else ["high", "medium"],
        "begun_from": now - BEGUN_WITHIN,
        "begun_to": now + BEGUN_WITHIN,
        "most": EXAMPLES,
    }
    with conn.cursor(row_factory=class_row(Fresh)) as cursor:
        return cursor.execute(statement(__package__, "fresh_anomalies"), arguments).fetchall()


def _held(glance: Glance, detector: str, worst: list[Fresh]) -> Held:
    count, wasted, project = worst[0].count, worst[0].tokens_wasted, glance.project.slug
    severity = Anomaly.Severity.HIGH if worst[0].is_high else Anomaly.Severity.MEDIUM
    first = min(glance.since(detector), glance.now).astimezone(glance.tz).date()
    all_of_them = page(
        "/anomalies/",
        project=project,
        detector=detector,
        severity="high" if glance.rule.severity == Anomaly.Severity.HIGH else None,
        **{"from": first.isoformat(), "to": glance.now.astimezone(glance.tz).date().isoformat()},
    )
    links = [Link("All of them", all_of_them)]
    links += [
        Link(one_line(f"Execution {one.execution_id}", 80), execution_page(one.execution_id, project=project))
        for one in worst
    ]
    return Held(
        subject=detector,
        title=f"{wording.title(detector)}: {count:,} anomal{'y' if count == 1 else 'ies'}, {wasted:,} tokens wasted",
        severity=severity,
        facts=tuple(
            Fact(one_line(_name(one), 120), one_line(wording.issue(detector, json.loads(one.evidence))))
            for one in worst
        ),
        links=tuple(links),
    )


def _name(one: Fresh) -> str:
    return one.task or one.execution_id
