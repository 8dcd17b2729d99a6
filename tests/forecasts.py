"""What tests of forecasts share: a row of what was expected of a run, and of what became of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from telemetry.models import Forecast, Project


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
