"""A run of one call, as the demo's small crews work. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from telemetry.contracts import Call, Execution


class Worker(NamedTuple):
    """Who works, at what, and with which model."""

    agent: str
    host: str
    provider: str
    model: str
    task_type: str
    session_type: str = "scheduled"


def ran(
    worker: Worker,
    key: str,
    *,
    session: str,
    task: str,
    began: datetime,
    lasts_s: float,
    tokens: tuple[int, int],
    errors: tuple[str, ...] = (),
) -> tuple[Execution, Call]:
    """The run that `key` names, which failed where there are `errors`, and its call; `tokens` are input and output."""
    alike: dict[str, Any] = {
        "agent": worker.agent,
        "session_id": session,
        "session_type": worker.session_type,
        "execution_id": key,
        "task_type": worker.task_type,
        "started_at": began,
        "model": worker.model,
    }
    execution = Execution(
        **alike,
        task_id=task,
        tool=worker.agent,
        action="execute_task",
        execution_time=lasts_s,
        status="failed" if errors else "done",
        errors=errors,
    )
    call = Call(
        **alike,
        id=f"demo-{key}",
        provider=worker.provider,
        host=worker.host,
        input_uncached=tokens[0],
        output=tokens[1],
        duration_ms=round(lasts_s * 1000) - 100,
    )
    return execution, call
