"""The demo project: invented calls in a project of their own, labelled, and removed without a trace."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection

from telemetry.access.projects import ensure_project
from telemetry.contracts import Receipt
from telemetry.ledger.ingest import ingest
from telemetry.ledger.removal import NotADemo
from telemetry.ledger.skill_loads import write_skill_loads
from telemetry.sources.demo import invent
from telemetry.sources.demo.learned import skill_loads

SLUG = "demo"
SOURCE = "demo"


def load_demo(conn: Connection[Any], *, now: datetime, days: int, agents: int) -> Receipt:
    """Fill the project `demo` with the last `days` days of `agents` agents; days that are there already stay as they
    are. The receipt counts calls and executions. Raises NotADemo where somebody's own project bears that name."""
    project = ensure_project(slug=SLUG, name="Demo (invented data)", is_demo=True)
    if not project.is_demo:
        raise NotADemo(f"The project {SLUG!r} is not a demo; rename it first.")
    accepted = duplicates = 0
    for day in invent(now=now, days=days, agents=agents):
        receipt = ingest(
            conn, project_id=project.pk, calls=day.calls, executions=day.executions, source=SOURCE, now=now
        )
        write_skill_loads(conn, project_id=project.pk, loads=skill_loads(day.executions))
        accepted += receipt.accepted
        duplicates += receipt.duplicates
    return Receipt(accepted=accepted, duplicates=duplicates)
