"""The line of a coding agent's status bar."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from telemetry.api.auth import holder_of
from telemetry.api.errors import BadQuery
from telemetry.database import connection
from telemetry.limits.statusline import statusline

_LONGEST = 200


class StatusLineView(APIView):
    """What a session has used, and what is left to it."""

    scope = "read"

    @extend_schema(
        parameters=[OpenApiParameter("session", str, description="the session whose line it is")],
        responses={(200, "text/plain"): OpenApiTypes.STR},
        operation_id="status_line",
    )
    def get(self, request: Request) -> HttpResponse:
        """One line of plain text: the session's tokens and dollars, today's, and the fullest budget that warns or is
        enforced, of the key, the session or the project."""
        holder, session = holder_of(request), request.query_params.get("session", "")
        if len(session) > _LONGEST or "\0" in session:
            raise BadQuery(f"A session's id has at most {_LONGEST} characters, and no NUL.")
        line = statusline(
            connection(),
            project_id=holder.project_id,
            zone=holder.time_zone,
            session_id=session,
            key_id=holder.key_id,
            now=datetime.now(UTC),
        )
        return HttpResponse(line + "\n", content_type="text/plain; charset=utf-8")
