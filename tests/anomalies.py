"""What tests of anomalies share: anomalies as the observer writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telemetry.database import connection
from telemetry.models import Anomaly, Run
from telemetry.series import waste_sums

AT = datetime(2025, 11, 6, 9, tzinfo=UTC)
BLOAT = {"ratio": 30.8, "threshold": 15.0, "allowance": 10.0, "input": 77_000, "output": 2_500, "measure": "weighted"}
DEAR = {"total": 79_500, "threshold": 10_000.0, "allowance": 10_000.0, "input": 77_000, "output": 2_500}
GONE = {"holds": False, "wasted_then": 7}


def anomaly(project_id: int, execution_id: str = "run", detector: str = "context_bloat", **fields: Any) -> Anomaly:
    """An anomaly of a run of that moment; a detector has its usual severity and evidence."""
    high = detector in ("context_bloat", "false_completion")
    known: dict[str, Any] = {
        "severity": "high" if high else "medium",
        "started_at": AT,
        "task_id": f"task-of-{execution_id}",
        "task_type": "refactor",
        "agent": "builder",
        "model": "claude-opus-4-5",
        "session_id": "session-1",
        "tokens": 79_500,
        "tokens_wasted": 52_000,
        "evidence": BLOAT if detector == "context_bloat" else DEAR,
        "found_at": AT,
    }
    known |= fields
    made: Anomaly = Anomaly.objects.create(project_id=project_id, execution_id=execution_id, detector=detector, **known)
    waste_sums.remake(connection(), project_id=project_id, moments=[known["started_at"]])
    return made


def run(project_id: int, execution_id: str, *, started_at: datetime = AT) -> Run:
    """A run in which nothing was found."""
    return Run.objects.create(project_id=project_id, execution_id=execution_id, started_at=started_at, output=10)


def state_of(one: Anomaly) -> tuple[str, str, str]:
    """What stands written of an anomaly now: its state, who gave it, and the note."""
    known = Anomaly.objects.get(project_id=one.project_id, execution_id=one.execution_id, detector=one.detector)
    return known.state, known.state_by, known.note
