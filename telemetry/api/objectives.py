"""Objectives out: what each cost on whole local days, and what is in none. Editing them is for people, in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import replica
from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.views import window_of
from telemetry.database import reading_from, reads, snapshot
from telemetry.limits import objectives
from telemetry.limits.account import account
from telemetry.models import Project

_TIMEOUT_S = 15.0


class ObjectivesView(APIView):
    """What was spent, by what it was spent for."""

    scope = "read"

    @extend_schema(parameters=schema.USAGE_PARAMETERS[:3], responses=schema.OBJECTIVES)
    def get(self, request: Request) -> Response:
        """What the runs that began on these local days, and the calls that belong to none, cost for each objective and
        key result. `attributed_usd` and `unattributed` add up to `spent`; `left` says what nothing names. `way` is how
        a key result's metric stood and moved meanwhile, which says nothing of what caused it."""
        holder = holder_of(request)
        window = window_of(request, holder, datetime.now(UTC))
        project = Project.objects.get(pk=holder.project_id)
        with reading_from(replica.nearest(exact=True)), snapshot(using=reads(), timeout_s=_TIMEOUT_S) as conn:
            found = account(
                objectives.goals(project.pk),
                objectives.spend(conn, project=project, window=window),
                first_day=window.first_day,
                last_day=window.last_day,
            )
        plain: dict[str, Any] = msgspec.to_builtins(found)
        days = {"from": window.first_day.isoformat(), "to": window.last_day.isoformat(), "tz": window.zone}
        return Response(plain | days)
