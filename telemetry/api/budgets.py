"""Budgets: what is used of each and will be used up when; and whether a call may be made, before it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import replica
from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.checking import answer_of, question_of, settlement_of, unsettled_of
from telemetry.api.parsers import read_body
from telemetry.database import connection, snapshot
from telemetry.limits import checking, reserving
from telemetry.limits.granted import Counts
from telemetry.limits.projection import Exhaustion, Projection
from telemetry.limits.standing import Spans, Standing, outlook
from telemetry.series import rollups
from telemetry.usage import usd

_PATIENCE_S = 10


class BudgetsView(APIView):
    """How the project's budgets stand."""

    scope = "read"

    @extend_schema(responses=schema.BUDGETS)
    def get(self, request: Request) -> Response:
        """Every budget that holds in the project, the fullest first; of one that is for each, the 50 subjects that used
        most. Days are those of the project's zone. `projected` and `used_up` are null with fewer than 7 days before
        today to learn from, and `used` of runs and sessions is that of the largest of the last 30 days.
        `unsettled`: the newest hundred reservations that nobody settled in time, which are charged in full."""
        holder, now = holder_of(request), datetime.now(UTC)
        rollups.catch_up(connection(), project_id=holder.project_id, now=now, patience=_PATIENCE_S)
        with snapshot(using=replica.nearest(exact=True)) as conn:
            found = outlook(conn, project_id=holder.project_id, zone=holder.time_zone, now=now)
            unsettled = reserving.expired_leases(conn, project_id=holder.project_id)
        month = _standing(found.month)
        kept = ("projected", "first_day", "last_day", "unpriced_calls")
        return Response(
            {
                "budgets": [_standing(one) for one in found.budgets],
                "month": {"used_usd": month["used"], **{name: month[name] for name in kept}},
                "unsettled": unsettled_of(unsettled),
                "today": found.today.isoformat(),
                "tz": found.zone,
            }
        )


class BudgetCheckView(APIView):
    """May a call be made."""

    scope = "ingest"

    @extend_schema(request=schema.CHECK, responses=schema.CHECKED)
    def post(self, request: Request) -> Response:
        """Whether the budgets that hold for a call have room for it, and for how many tokens of output: fewer than were
        asked for where fewer are left, and a refusal only where there is no room for a thousand. The answer has status
        200 either way. With `hold_s` that room is reserved, so that nobody else gets it, until the call is settled."""
        holder, now = holder_of(request), datetime.now(UTC)
        question = question_of(read_body(request), key_id=holder.key_id, now=now)
        told = checking.check(
            connection(), project_id=holder.project_id, zone=holder.time_zone, question=question, now=now
        )
        until = now + question.hold if question.hold else None
        return Response(msgspec.to_builtins(answer_of(told, until=until)))


class BudgetSettleView(APIView):
    """What a reservation came to."""

    scope = "ingest"

    @extend_schema(request=schema.SETTLEMENT, responses=schema.SETTLED)
    def post(self, request: Request) -> Response:
        """End a reservation with what its call used; all zero gives it back. The call itself counts by what telemetry
        brings, as ever. `settled` is false where the reservation was ended before, or never was."""
        holder, now = holder_of(request), datetime.now(UTC)
        name, call = settlement_of(read_body(request), now=now)
        ended = checking.end(connection(), project_id=holder.project_id, reservation_id=name, call=call, now=now)
        return Response({"settled": ended})


def _standing(one: Standing) -> dict[str, Any]:
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
        "first_day": one.first_day.isoformat(),
        "last_day": one.last_day.isoformat(),
        "projected": _projected(one.projection, budget.counts),
        "used_up": _used_up(one.projection.exhaustion if one.projection else None),
        "unpriced_calls": one.unpriced_calls,
        "spans": _spans(one.spans),
    }


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


def _spans(found: Spans | None) -> dict[str, Any] | None:
    if found is None:
        return None
    until = found.running_until
    return {
        "count": found.spans,
        "over": found.over,
        "running": found.running or None,
        "running_used_up_at": until.astimezone(UTC).isoformat().replace("+00:00", "Z") if until else None,
    }
