"""Sources of which more items than a number were refused within an hour.

The intake counts refused items for ever, so the rule remembers what the counts were: a moment every STEP. What was
refused before it was first looked at is no news.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from telemetry.ledger import intake
from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.message import Fact, Held, Link, one_line, page, subject_of

HOUR = timedelta(hours=1)
STEP = timedelta(minutes=5)
_MOST_SOURCES = 200


def look(glance: Glance) -> list[Held]:
    """A `Held` a source; the rule's memory is brought up to date."""
    totals = intake.refused_totals(glance.conn, project_id=glance.project.pk)
    counts = counted(glance.rule.memory, totals, now=glance.now)
    above = {source: count for source, count in counts.items() if count > glance.rule.more_than}
    reasons = _reasons(glance) if above else {}
    return [_held(glance, source, count, reasons.get(source, "")) for source, count in above.items()]


def counted(memory: dict[str, Any], totals: dict[str, int], *, now: datetime) -> dict[str, int]:
    """How many items of each source were refused within the hour before `now`. `memory` keeps, for each source, the
    totals of the last hour and one before it."""
    known: dict[str, list[list[Any]]] = memory.setdefault("sources", {})
    is_first = "began" not in memory
    memory.setdefault("began", now.isoformat())
    found = {}
    for source, total in sorted(totals.items())[:_MOST_SOURCES]:
        samples = known.setdefault(source, [[now.isoformat(), total if is_first else 0]])
        while len(samples) > 1 and datetime.fromisoformat(samples[1][0]) <= now - HOUR:
            del samples[0]
        found[source] = max(0, total - samples[0][1])
        if datetime.fromisoformat(samples[-1][0]) <= now - STEP:
            samples.append([now.isoformat(), total])
    return found


def _reasons(glance: Glance) -> dict[str, str]:
    """The last reason of each source."""
    recent = intake.refused_since(glance.conn, project_id=glance.project.pk, since=glance.now - HOUR)
    return {one.source: one.reason for one in reversed(recent)}


def _held(glance: Glance, source: str, count: int, reason: str) -> Held:
    return Held(
        subject=subject_of("source", source),
        title=f"{count:,} items of {one_line(source, 80)} were refused within an hour",
        severity=glance.rule.severity,
        facts=(Fact("Last reason", one_line(reason)),) if reason else (),
        links=(Link("Why", page("/connect/", project=glance.project.slug)),),
    )
