"""Whoever finds something says so: the rules that may tell of it are looked at next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection

from telemetry.statements import statement


def after_judging(conn: Connection[Any], *, project_id: int, now: datetime) -> None:
    """Anomalies were written in this transaction: once it is committed, the next look, seconds later, tells of them."""
    conn.execute(statement(__package__, "after_judging"), {"project": project_id, "now": now})


def after_forecasting(conn: Connection[Any], *, project_id: int, now: datetime) -> None:
    """A run is expected to exceed a budget: once this transaction is committed, the next look tells of it."""
    conn.execute(statement(__package__, "after_forecasting"), {"project": project_id, "now": now})
