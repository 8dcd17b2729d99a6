"""Forecasts out: what a run that is about to begin is expected to come to."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry.api import schema
from telemetry.api.asking import answer_of, first_call_of, question_of
from telemetry.api.auth import holder_of
from telemetry.api.checking import answer_of as checked_of
from telemetry.api.parsers import read_body
from telemetry.database import connection
from telemetry.limits import checking
from telemetry.observer.alerts import waking
from telemetry.outlook import forecasting


class ForecastView(APIView):
    """What a run that is about to begin is expected to come to, from those that have ended."""

    scope = "ingest"

    @extend_schema(request=schema.QUESTION, responses=schema.FORECAST)
    def post(self, request: Request) -> Response:
        """Medians and nine tenths of tokens, cost and time, and how likely the task's and the session's budget are to
        be exceeded. `level` and `n`: what the estimate rests on, and how many runs that are. The forecast is kept, and
        held against what becomes of the run where `execution_id` says which it is. `budget`: whether its budgets have
        room for a first call now, as `/api/v1/budgets/check/` says it."""
        holder, asked, now = holder_of(request), question_of(read_body(request)), datetime.now(UTC)
        project_id = holder.project_id
        told = forecasting.forecast(connection(), project_id=project_id, asked=asked, now=now)
        if told.warns:
            waking.after_forecasting(connection(), project_id=project_id, now=now)
        question = first_call_of(asked, key_id=holder.key_id, now=now)
        room = checking.check(connection(), project_id=project_id, zone=holder.time_zone, question=question, now=now)
        return Response(msgspec.to_builtins(answer_of(told, asked, checked_of(room, until=None))))
