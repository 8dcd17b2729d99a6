"""What tests of the observer share: runs as they stand in the table, and what was found about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.database import connection
from telemetry.models import Anomaly, Run
from telemetry.observer.findings import Facts
from telemetry.series.run_repeats import note_repeats

MORNING = datetime(2026, 11, 19, 8, tzinfo=UTC)


def facts(**known: Any) -> Facts:
    """A run of which this is known, with `input` in tokens; else it is small, took a minute and says nothing."""
    inputs = known.pop("input", 100)
    return Facts(
        **{
            "execution_id": "run",
            "started_at": MORNING,
            "input_hundredths": 100 * inputs,
            "output": 100,
            "duration_ms": 60_000,
            **known,
        }
    )


def run(tenant: int, key: str, *, minute: float = 0, **known: Any) -> Run:
    """A run that is added up already, begun so many minutes after MORNING; else small, a minute long and done."""
    fields = {"input_uncached": 100, "output": 100, "duration_ms": 60_000, "status": "done", "calls": 1} | known
    started_at = MORNING + timedelta(minutes=minute)
    made: Run = Run.objects.create(project_id=tenant, execution_id=key, started_at=started_at, **fields)
    note_repeats(connection(), project_id=tenant, keys=[key])
    return made


def anomalies(tenant: int) -> dict[tuple[str, str], int]:
    """(execution, detector) of each anomaly of a project, with what it wasted."""
    found = Anomaly.objects.filter(project_id=tenant).order_by("started_at", "execution_id", "detector")
    return {(one.execution_id, one.detector): one.tokens_wasted for one in found}
