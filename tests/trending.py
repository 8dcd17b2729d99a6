"""What tests of trends share: days of runs as the fold leaves them, and verdicts as the night writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from telemetry.database import connection
from telemetry.models import Project, Run, Trend, TrendDay
from telemetry.outlook import day_sums

DAY = date(2026, 11, 20)  # a Friday
_NOON = time(12, tzinfo=UTC)


def runs(project: Project, day: date, count: int, *, tokens: int = 1_000, cost: int = 10_000_000, **said: Any) -> None:
    """Runs of a day, alike, each of so many tokens and nano-dollars."""
    usual = {"agent": "builder", "task_type": "fix", "model": "claude-opus-4-5", "calls": 1} | said
    at = datetime.combine(day, _NOON)
    Run.objects.bulk_create(
        Run(
            project_id=project.pk,
            execution_id=f"{day}-{'-'.join(map(str, usual.values()))[:400]}-{n}",
            started_at=at + timedelta(seconds=n),
            input_uncached=tokens,
            cost_nanousd=cost,
            **usual,
        )
        for n in range(count)
    )


def judged(project: Project, *days: date) -> None:
    """Days of which the night said something."""
    for day in days:
        day_sums.keep(connection(), project_id=project.pk, day=day, tz=ZoneInfo("UTC"))
        TrendDay.objects.create(project_id=project.pk, day=day, zone="UTC", judged_at=datetime.combine(day, _NOON))


def verdict(project: Project, day: date = DAY, **said: Any) -> Trend:
    """What was said of the tokens a run of an agent: 3 times the usual 1,000, but for what is said."""
    usual: dict[str, Any] = {
        "dimension": "agent",
        "name": "builder",
        "what": "intensity",
        "state": "flagged",
        "runs": 20,
        "value": 3_000.0,
        "level": 1_050.0,
        "low_7": 820.0,
        "high_7": 1_300.0,
        "baseline": 1_000.0,
        "low_30": 800.0,
        "high_30": 1_250.0,
        "baseline_days": 30,
        "baseline_runs": 600,
        "slope": 0.01,
        "slope_p": 0.4,
        "z": 8.0,
        "p": 1e-9,
        "q": 1e-7,
        "effect": 3.0,
        "tokens": 60_000,
        "cost_nanousd": 6_000_000_000,
        "at_stake_nanousd": 4_000_000_000,
        "is_flagged": True,
        "is_shift": False,
        "is_alert": True,
    }
    row: Trend = Trend.objects.create(project_id=project.pk, day=day, **(usual | said))
    return row


def usual_verdict(project: Project, day: date = DAY, **said: Any) -> Trend:
    """What was said of a day of an agent that is as usual."""
    nothing = {"state": "usual", "value": 1_010.0, "z": 0.1, "p": 0.9, "q": 0.9, "effect": 1.01, "at_stake_nanousd": 0}
    return verdict(project, day, **(nothing | {"is_flagged": False, "is_alert": False} | said))
