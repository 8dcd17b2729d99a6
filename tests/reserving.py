"""What tests of reservations share: budgets that no person wrote, calls against them, and what the tables hold."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from telemetry.contracts import UsageRow
from telemetry.limits.granted import Counts, Grant, Mode, Period, Scope
from telemetry.limits.windows import Asked, Whose, Window, asked, windows_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ME = Whose(session_id="s", session_type="direct_chat", agent="builder", task_type="fix", execution_id="e")
_ids = itertools.count(10**6)


def granted(
    limit: int,
    *,
    scope: Scope = "project",
    subject: str = "",
    period: Period = "day",
    counts: Counts = "gross",
    mode: Mode = "enforce",
) -> Grant:
    """A budget that holds for something, of a number of its own."""
    return Grant(next(_ids), scope, subject, period, counts, limit, mode, None)


def spans(*grants: Grant, whose: Whose = ME, now: datetime = NOW) -> list[Window]:
    """The windows of budgets."""
    return windows_of(grants, whose=whose, now=now, tz=ZoneInfo("UTC"))


def call(prompt: int, output: int = 0, *, least: int = 1_000, is_final: bool = False, nanousd: int | None = 0) -> Asked:
    """A call of so many tokens, for nothing unless it has a price a token."""
    return asked(
        UsageRow(input_uncached=prompt),
        output=output,
        input_nanousd=None if nanousd is None else nanousd * prompt,
        output_nanousd=nanousd,
        least=least,
        is_final=is_final,
    )


@dataclass(frozen=True, slots=True)
class Books:
    """What the tables say of some windows: used, reserved and limit of each, and how many leases are in which state."""

    windows: dict[str, tuple[int, int, int]]
    leases: dict[str, int]
    leaked: int  # by how much `reserved` differs from what open leases hold


def books(conn: Connection[Any], project_id: int) -> Books:
    """What is written, at one instant."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        windows = conn.execute(
            "SELECT scope || ':' || subject || ':' || span, used, reserved, granted FROM telemetry_budget_window"
            " WHERE project_id = %s",
            [project_id],
        ).fetchall()
        leases = conn.execute(
            "SELECT state, count(*) FROM telemetry_budget_lease WHERE project_id = %s GROUP BY 1", [project_id]
        ).fetchall()
        leaked = conn.execute(
            "SELECT coalesce(sum(abs(w.reserved - coalesce(held.amount, 0))), 0) FROM telemetry_budget_window AS w"
            " LEFT JOIN (SELECT part.id, sum(part.amount) AS amount FROM telemetry_budget_lease AS lease,"
            " unnest(lease.windows, lease.amounts) AS part (id, amount)"
            " WHERE lease.project_id = %s AND state = 'open' GROUP BY 1) AS held ON held.id = w.id"
            " WHERE w.project_id = %s",
            [project_id, project_id],
        ).fetchone() or (0,)
    return Books({name: (used, held, limit) for name, used, held, limit in windows}, dict(leases), int(leaked[0]))
