"""Which budgets hold for a run that is about to begin, a call, or a session: one statement, for a request's path."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.limits.granted import Grant
from telemetry.models import Budget
from telemetry.statements import prepared, statement

DEMO = (  # of the invented project: the plan's three are enforced there, and two more have something to show
    ("session_type", "direct_chat", "session", "weighted", Decimal(10_000), "enforce"),
    ("session_type", "cron_job", "session", "weighted", Decimal(20_000), "enforce"),
    ("session_type", "sub_agent", "session", "weighted", Decimal(30_000), "enforce"),
    ("project", "", "month", "usd", Decimal(400), "warn"),
    ("agent", "", "week", "weighted", Decimal(5_000_000), "shadow"),
)


def grant_demo(*, project_id: int) -> None:
    """Write the budgets of the demo project, where they are not there already."""
    for scope, subject, period, counts, granted, mode in DEMO:
        kind = {"scope": scope, "subject": subject, "period": period, "counts": counts}
        Budget.objects.get_or_create(project_id=project_id, **kind, defaults={"amount": granted, "mode": mode})


def applying(
    conn: Connection[Any],
    *,
    project_id: int,
    session_id: str = "",
    session_type: str = "",
    task_type: str = "",
    agent: str = "",
    tier: str = "",
    objective: str = "",
    key_id: int = 0,
) -> list[Grant]:
    """The budgets under which something falls that is so named, by scope and period; what is empty is not known, and
    no budget holds for it. An empty session type is that of the session, where one of its calls has told it.

    Of each scope and period the project's own come before those for every project, and named ones before those for
    each. What a session has used is that of calls up to the last fold.
    """
    asked = {
        "project": project_id,
        "session": session_id,
        "session_type": session_type,
        "task_type": task_type,
        "agent": agent,
        "tier": tier,
        "objective": objective,
        "key": key_id,
    }
    return prepared(conn, class_row(Grant)).execute(statement(__package__, "applying"), asked).fetchall()
