"""How budgets stand, as programs read it: the API's answer, and what `tloi budget` prints.

Amounts are exact texts: tokens, or decimals of US dollars.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

from telemetry.limits.granted import Counts
from telemetry.limits.projection import Exhaustion, Projection
from telemetry.limits.standing import Outlook, Spans, Standing
from telemetry.limits.windows import stage_of
from telemetry.usage import usd

_MONTH = ("projected", "first_day", "last_day", "unpriced_calls")


def outlook_as_plain(found: Outlook) -> dict[str, Any]:
    """All of a project's budgets, and its month."""
    month = standing_as_plain(found.month)
    return {
        "budgets": [standing_as_plain(one) for one in found.budgets],
        "month": {"used_usd": month["used"], **{name: month[name] for name in _MONTH}},
        "today": found.today.isoformat(),
        "tz": found.zone,
    }


def standing_as_plain(one: Standing) -> dict[str, Any]:
    budget = one.budget
    return {
        "id": budget.budget_id,
        "is_shared": not budget.is_own,
        "scope": budget.scope,
        "subject": one.subject,
        "period": budget.period,
        "counts": budget.counts,
        "mode": budget.mode,
        "limit": _exact(budget.limit, budget.counts),
        "used": _exact(one.used, budget.counts),
        "stage": stage_of(_now(one) / budget.limit) if budget.limit else "ok",
        "first_day": one.first_day.isoformat(),
        "last_day": one.last_day.isoformat(),
        "projected": _projected(one.projection, budget.counts),
        "used_up": _used_up(one.projection.exhaustion if one.projection else None),
        "unpriced_calls": one.unpriced_calls,
        "fired": {"over": one.fired.over, "spans": one.fired.spans} if one.fired else None,
        "spans": _spans(one.spans, budget.counts),
    }


def _now(one: Standing) -> int:
    """What is used of it now: of sessions by the fullest that goes on, of runs nobody knows."""
    return one.used if one.spans is None else one.spans.running_used


def _exact(number: int, counts: Counts) -> str:
    return usd(number) if counts == "usd" else str(number)


def _projected(found: Projection | None, counts: Counts) -> dict[str, str] | None:
    if found is None:
        return None
    return {name: _exact(getattr(found.total, name), counts) for name in ("low", "middle", "high")}


def _used_up(found: Exhaustion | None) -> dict[str, Any] | None:
    if found is None:
        return None
    days = {name: _day(getattr(found, name)) for name in ("earliest", "likely", "latest")}
    return {**days, "probability": round(found.probability, 4)}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _spans(found: Spans | None, counts: Counts) -> dict[str, Any] | None:
    if found is None:
        return None
    until = found.running_until
    return {
        "count": found.spans,
        "over": found.over,
        "running": found.running or None,
        "running_used": _exact(found.running_used, counts) if found.running else None,
        "running_used_up_at": until.astimezone(UTC).isoformat().replace("+00:00", "Z") if until else None,
    }
