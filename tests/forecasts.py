"""What tests of forecasts share: rows of what was expected of runs, runs to expect something from, and a budget."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from psycopg import Connection

from telemetry.contracts import Execution
from telemetry.database import connection
from telemetry.models import Budget, Forecast, Project
from telemetry.outlook import keystats
from tests.ledger_reading import NOW, send
from tests.run_reading import added_up


def forecast_of(project: Project, execution_id: str = "", *, at: datetime, **said: Any) -> Forecast:
    """A forecast as the outlook keeps one: of the agent's task type, with a budget of 50,000 weighted tokens a run."""
    fields = {
        "is_asked": True,
        "agent": "builder",
        "task_type": "fix",
        "tool": "claude_code",
        "level": "agent",
        "n": 34,
        "runs": 200,
        "tokens_q50": 40_000,
        "tokens_q90": 90_000,
        "tokens_naive": 45_000,
        "tokens_grid": [4_000 * place for place in range(1, 20)],
        "weighted_q50": 20_000,
        "weighted_q90": 45_000,
        "budget_period": "run",
        "budget_counts": "weighted",
        "budget_limit": 50_000,
        "budget_spent": 0,
        "budget_naive": 22_000,
        "p_exceed": 0.08,
    } | said
    return Forecast.objects.create(
        project_id=project.pk, id=uuid.uuid4(), asked_at=at, execution_id=execution_id, **fields
    )


def ended(project: Project, *, at: datetime, tokens: int, **said: Any) -> Forecast:
    """The same of a run that has ended; it came to so many tokens, and a place among what was expected."""
    grid = said.get("tokens_grid", [4_000 * place for place in range(1, 20)])
    outcome = {
        "ended_at": at,
        "tokens": tokens,
        "budget_used": tokens // 2,
        "exceeded": tokens // 2 > (said.get("budget_limit") or 50_000),
        "outcome_share": sum(tokens > value for value in grid) / 20,
    } | said
    return forecast_of(project, f"run-{uuid.uuid4().hex[:8]}", at=at, **outcome)


def learned(project: Project, *, runs: int = 25, tokens: int = 1_000) -> None:
    """So many runs of one task of an agent are over and known, all of about so many gross tokens."""
    ended_runs = [
        Execution(
            execution_id=f"earlier-{number}",
            started_at=NOW - timedelta(hours=3) + timedelta(minutes=number),
            status="completed",
            execution_time=60.0,
            task_type="fix",
            tool="claude_code",
            agent="builder",
            tokens_input=tokens - tokens // 5 + number,
            tokens_output=tokens // 5,
        )
        for number in range(runs)
    ]
    send(project.pk, executions=ended_runs)
    added_up(project.pk, then=partial(_learn, now=NOW))
    keystats.learn_due(connection(), now=NOW)


def run_budget(project: Project, tokens: int) -> None:
    """Each run of the task type may come to so many gross tokens."""
    granted = {"scope": "task_type", "subject": "fix", "period": "run", "counts": "gross"}
    Budget.objects.create(project=project, amount=Decimal(tokens), **granted)


def _learn(conn: Connection[Any], project_id: int, keys: Sequence[str], /, *, now: datetime) -> None:
    keystats.learn(conn, project_id=project_id, keys=keys, now=now)
