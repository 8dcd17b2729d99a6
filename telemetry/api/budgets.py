"""Budgets: what is used of each and will be used up when; and whether a call may be made, before it is."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock

import msgspec
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import replica
from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.checking import answer_of, budget_of, question_of, settlement_of, unsettled_of
from telemetry.api.errors import BadBody
from telemetry.api.parsers import read_body
from telemetry.database import connection, snapshot
from telemetry.limits import checking, curbs, holding, reserving, writing
from telemetry.limits.checking import Question
from telemetry.limits.standing import outlook
from telemetry.limits.telling import outlook_as_plain
from telemetry.limits.windows import Reserved
from telemetry.series import rollups
from telemetry.usage import input_total

_PATIENCE_S = 10
_lock, _sums = Lock(), curbs.BudgetCurbSums()


class BudgetsView(APIView):
    """How the project's budgets stand."""

    scope = "read"

    @extend_schema(responses=schema.BUDGETS)
    def get(self, request: Request) -> Response:
        """Every budget that holds in the project, the fullest first; of one that is for each, the 50 subjects that used
        most. Days are those of the project's zone. `projected` and `used_up` are null with fewer than 7 days before
        today to learn from, and `used` of runs and sessions is that of the largest of the last 30 days. `stage` is of
        now: of a budget of sessions it is that of the fullest that goes on.
        `unsettled`: the newest hundred reservations that nobody settled in time, which are charged in full."""
        holder, now = holder_of(request), datetime.now(UTC)
        rollups.catch_up(connection(), project_id=holder.project_id, now=now, patience=_PATIENCE_S)
        with snapshot(using=replica.nearest(exact=True)) as conn:
            found = outlook(conn, project_id=holder.project_id, zone=holder.time_zone, now=now)
            unsettled = reserving.expired_leases(conn, project_id=holder.project_id)
        return Response({**outlook_as_plain(found), "unsettled": unsettled_of(unsettled)})


class BudgetSetView(APIView):
    """A budget that a program writes."""

    scope = "admin"

    @extend_schema(request=schema.BUDGET, responses=schema.BUDGET_WRITTEN)
    def post(self, request: Request) -> Response:
        """Write a budget of the project, or change the one of the same scope, subject, period and unit: its amount, its
        mode where one is said, and whether it holds. 201 where it is new. Those for every project are edited in the
        admin alone."""
        holder, said = holder_of(request), budget_of(read_body(request))
        kind = {name: getattr(said, name) for name in writing.KIND}
        try:
            budget, is_new = writing.write(
                project_id=holder.project_id,
                kind=kind,
                amount=said.amount,
                mode=said.mode,
                is_enabled=said.is_enabled,
            )
        except ValidationError as error:
            raise BadBody(writing.reasons(error)) from None
        return Response(writing.as_plain(budget), status=201 if is_new else 200)


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
        _note(holder.project_id, question, told, now)
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


def _note(project_id: int, question: Question, told: Reserved, now: datetime) -> None:
    """Write down whom a budget has too little room for. That is rare here, so it is done at once."""
    budgets = told.lowered_by or told.refused_by
    if not budgets:
        return
    found = curbs.budget_curbs(
        map(holding.told, budgets),
        question.whose,
        prompt=input_total(question.call),
        wanted=told.wanted,
        given=told.output if told.is_granted else None,
        now=now,
    )
    with _lock:
        _sums.add(project_id, found)
        taken = _sums.take()
    curbs.note_budget_curbs(taken)
