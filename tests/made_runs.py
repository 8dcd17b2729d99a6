"""Runs as the fold makes them, made here from calls that a test wrote: what tests of pages about runs share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.models import Anomaly, Project, Run
from telemetry.series import waste_sums

AT = datetime(2025, 10, 24, 9, 30, tzinfo=UTC)
BUCKETS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")


def run_of(project: Project, execution_id: str, made_of: Sequence[Call] = (), **fields: Any) -> Run:
    """Keep what calls, none of which has a price but what was said, add up to as the sums of a run."""
    moments = [call.started_at for call in made_of]
    sums: dict[str, Any] = {name: sum(getattr(call, name) for call in made_of) for name in BUCKETS}
    sums["cost_nanousd"] = sum(int((call.cost_usd or 0) * 10**9) for call in made_of)
    sums["unpriced_calls"] = sum(call.cost_usd is None for call in made_of)
    known = {
        "started_at": min(moments, default=AT),
        "ended_at": max(moments, default=AT + timedelta(minutes=2)),
        "first_call_at": min(moments, default=None),
        "last_call_at": max(moments, default=None),
        "calls": len(made_of),
        "agent": "builder",
        "model": "gpt-5",
        "status": "done",
    }
    Run.objects.filter(project_id=project.pk, execution_id=execution_id).delete()
    return Run.objects.create(**{"project_id": project.pk, "execution_id": execution_id, **known, **sums, **fields})


def anomaly_of(run: Run, detector: str = "expensive_task", severity: str = "medium", **fields: Any) -> Anomaly:
    """Something found in a run."""
    said = {
        "tokens": 12_000,
        "tokens_wasted": 2_000,
        "found_at": AT,
        "evidence": {"total": 12_000, "allowance": 10_000},
    }
    made: Anomaly = Anomaly.objects.create(
        **{
            "project_id": run.project_id,
            "execution_id": run.execution_id,
            "started_at": run.started_at,
            "session_id": run.session_id,
            "agent": run.agent,
            "detector": detector,
            "severity": severity,
            **said,
            **fields,
        }
    )
    waste_sums.remake(connection(), project_id=run.project_id, moments=[made.started_at])
    return made
