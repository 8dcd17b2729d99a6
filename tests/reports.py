"""What tests of reports share: a document to print, and runs and anomalies as judging writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from telemetry.database import connection
from telemetry.models import Anomaly, Project, Report, Run
from telemetry.observer.report import making, periods
from telemetry.observer.report.document import Document, Group, Item, Leader, Leaders, Summary, Usage
from telemetry.observer.report.recommendations import recommendations
from telemetry.series import waste_sums

DAY = date(2025, 11, 6)
MORNING = datetime(2025, 11, 6, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def summary(**said: Any) -> Summary:
    """A summary of nothing, but for what is said."""
    nothing: dict[str, Any] = dict.fromkeys(Summary.__struct_fields__, 0)
    nothing |= {"average_io_ratio": None, "anomalies_by_severity": {}, "anomalies_by_type": {}}
    return Summary(**(nothing | said))


def item(**said: Any) -> Item:
    """One anomaly, but for what is said."""
    usual: dict[str, Any] = {
        "execution_id": "run-1",
        "task_id": "task-1",
        "type": "expensive_task",
        "started_at": MORNING,
    }
    usual |= {"issue": "20,000 tokens.", "figure": 20_000, "tokens": 20_000, "tokens_wasted": 10_000}
    return Item(**(usual | {"suggestion": "Split it."} | said))


def document(**said: Any) -> Document:
    """A day with one task and one anomaly, but for what is said."""
    whole = summary(
        tasks=1,
        tokens=20_000,
        average_tokens=20_000,
        input_tokens=19_000,
        output_tokens=1_000,
        average_io_ratio=19.0,
        anomalies=1,
        anomalies_by_severity={"high": 0, "medium": 1},
        anomalies_by_type={"expensive_task": 1},
        tokens_wasted=10_000,
        tokens_wasted_overlapping=10_000,
    )
    spend = Usage(calls=2, tokens=20_000, cost_usd="0.125")
    usual: dict[str, Any] = {
        "project": "default",
        "kind": "daily",
        "period": "2025-11-06",
        "first_day": DAY,
        "last_day": DAY,
        "time_zone": "UTC",
        "start_at": datetime(2025, 11, 6, tzinfo=UTC),
        "end_at": datetime(2025, 11, 7, tzinfo=UTC),
        "made_at": NOW,
        "is_whole": True,
        "measure": "weighted",
        "summary": whole,
        "spend": spend,
        "apart": Usage(),
        "severities": (
            Group(severity="high", anomalies=0, tokens_wasted_overlapping=0),
            Group(severity="medium", anomalies=1, tokens_wasted_overlapping=10_000, listed=(item(),)),
        ),
        "leaders": (Leaders(by="agent", rows=(leader(),)),),
    }
    usual |= said
    usual.setdefault("recommendations", recommendations(usual["summary"], usual["spend"]))
    return Document(**usual)


def leader(**said: Any) -> Leader:
    """An agent, but for what is said."""
    usual: dict[str, Any] = {"name": "builder", "tasks": 1, "tokens": 20_000, "cost_usd": "0.125"}
    return Leader(**(usual | {"tokens_wasted": 10_000} | said))


def make_report(project: Project, name: str, *, now: datetime = NOW) -> Report:
    """The report of a period, made now from what there is."""
    period = periods.read(name)
    return making.make(
        connection(),
        project=project,
        kind=period.kind,
        first_day=period.first_day,
        last_day=period.last_day,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Ledger:
    """Runs and anomalies of one project, written as the fold and the detectors write them."""

    project_id: int

    def run(self, execution_id: str, *, at: datetime = MORNING, **said: Any) -> Run:
        """A run of 1,000 tokens of input and 100 of output, but for what is said."""
        usual: dict[str, Any] = {"task_id": f"task-{execution_id}", "calls": 1, "input_uncached": 1000, "output": 100}
        row: Run = Run.objects.create(
            project_id=self.project_id, execution_id=execution_id, started_at=at, **(usual | said)
        )
        return row

    def anomaly(self, execution_id: str, *, at: datetime = MORNING, **said: Any) -> Anomaly:
        """A medium anomaly that wastes 100 of 1,100 tokens, but for what is said."""
        usual: dict[str, Any] = {"detector": "expensive_task", "severity": "medium", "tokens": 1100}
        usual |= {
            "tokens_wasted": 100,
            "task_id": f"task-{execution_id}",
            "evidence": {"total": 1100, "threshold": 1000.0},
        }
        row: Anomaly = Anomaly.objects.create(
            project_id=self.project_id,
            execution_id=execution_id,
            started_at=at,
            found_at=at + timedelta(minutes=5),
            **(usual | said),
        )
        waste_sums.remake(connection(), project_id=self.project_id, moments=[at])
        return row
