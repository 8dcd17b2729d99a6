"""One line for the status bar of a coding agent: its session, today, and the fullest budget that may stop it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from telemetry.contracts import UsageRow
from telemetry.limits import reserving
from telemetry.limits.pressure import stands
from telemetry.limits.windows import Asked, Stand, Whose
from telemetry.series.queries import usage_total
from telemetry.series.window import by_days, time_zone
from telemetry.usage import usd

BACK = timedelta(days=31)  # for so long a session is added up
_NOTHING = Asked(0, 0, 0, 0, 0)
_STAGES = {"ok": "", "warn": ", warn", "compress": ", nearly used up", "exceeded": ", used up"}
_SHORTEST = 10_000


def statusline(
    conn: Connection[Any], *, project_id: int, zone: str, session_id: str, key_id: int, now: datetime
) -> str:
    """As `session 41.2k $0.38 · today 1.2M $9.70 · session type coding 83% of 50k, warn`; sums are those that are
    folded. Raises BadWindow where the zone is none."""
    today = now.astimezone(time_zone(zone)).date()
    day = by_days(today, today, zone=zone, bucket="1d")
    parts = [f"today {_spent(usage_total(conn, project_id=project_id, window=day))}"]
    if session_id:
        month = by_days(today - BACK, today, zone=zone, bucket="1d")
        own = usage_total(conn, project_id=project_id, window=month, filters={"session": [session_id]})
        parts.insert(0, f"session {_spent(own)}")
    whose = Whose(session_id=session_id, key_id=key_id)
    every = reserving.windows(conn, project_id=project_id, whose=whose, zone=zone, now=now)
    told = [window for window in every if window.grant.mode != "shadow"]
    found = stands(conn, project_id=project_id, windows=told, amount=_NOTHING, now=now)
    if found:
        parts.append(_budget(max(found, key=lambda one: one.share)))
    return " · ".join(parts)


def _spent(used: UsageRow) -> str:
    cost = f" ${usd(_cents(used.cost_nanousd))}" if used.cost_nanousd else ""
    return f"{_short(used.tokens)}{cost}"


def _budget(stand: Stand) -> str:
    grant = stand.window.grant
    named = grant.subject if grant.scope != "session" else ""
    whose = f"{grant.scope.replace('_', ' ')} {named}".strip()
    limit = f"${usd(_cents(grant.limit))}" if grant.counts == "usd" else _short(grant.limit)
    whose = "".join(letter if letter.isprintable() else "?" for letter in whose)[:40]
    return f"{whose} {int(100 * stand.share)}% of {limit}{_STAGES[stand.stage]}"


def _cents(nanousd: int) -> int:
    return (nanousd + 5 * 10**6) // 10**7 * 10**7


def _short(number: int) -> str:
    """As 9,999, 41.2k or 1.2M."""
    if number < _SHORTEST:
        return f"{number:,}"
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:.1f}".removesuffix(".0") + name
    return str(number)
