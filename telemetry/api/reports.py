"""Reports out: one as Markdown or JSON, and which there are."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.errors import BadQuery, answer
from telemetry.api.exports import AnyFormat
from telemetry.api.views import window_of
from telemetry.models import Project
from telemetry.observer.report import periods, shelf
from telemetry.observer.report.document import Document, UnknownVersion, as_json
from telemetry.observer.report.markdown import as_markdown
from telemetry.observer.report.periods import KINDS, BadPeriod, Period

_CONTENT_TYPES = {"json": "application/json", "md": "text/markdown; charset=utf-8"}


class ReportView(APIView):
    """The report of a day, a week or a month."""

    scope = "read"
    content_negotiation_class = AnyFormat

    @extend_schema(parameters=schema.REPORT_PARAMETERS, responses=schema.REPORT)
    def get(self, request: Request, period: str) -> HttpResponseBase:
        """The report of a day (2025-11-06), a week (2025-W45) or a month (2025-11) of the project's zone, as it was
        made last. 404 says why there is none. It has an ETag: ask again with If-None-Match."""
        form = request.query_params.get("format", "json")
        if form not in _CONTENT_TYPES:
            raise BadQuery(f"format is {form!r}, but must be one of {', '.join(_CONTENT_TYPES)}.")
        asked, project = _period(period), Project.objects.get(pk=holder_of(request).project_id)
        try:
            document = shelf.find(project.pk, asked)
        except UnknownVersion as error:
            return answer(404, "not_found", str(error))
        if document is None:
            why = shelf.why_none(asked, zone=project.time_zone, hour=project.observed_at_hour, now=datetime.now(UTC))
            return answer(404, "not_found", why)
        return _sent(request, document, form)


class ReportsView(APIView):
    """Which reports there are."""

    scope = "read"

    @extend_schema(operation_id="api_v1_reports_list", parameters=schema.REPORTS_PARAMETERS, responses=schema.REPORTS)
    def get(self, request: Request) -> Response:
        """The reports that begin on one of these local days, newest first, each with its summary."""
        holder = holder_of(request)
        kind = request.query_params.get("kind")
        if kind is not None and kind not in KINDS:
            raise BadQuery(f"kind is {kind!r}, but must be one of {', '.join(KINDS)}.")
        window = window_of(request, holder, datetime.now(UTC))
        kinds = [one for one in KINDS if kind in (None, one)]
        found = shelf.listed(holder.project_id, first=window.first_day, last=window.last_day, kinds=kinds)
        return Response({"reports": [_entry(one) for one in found]})


def _period(text: str) -> Period:
    """Raises BadQuery."""
    try:
        return periods.read(text)
    except BadPeriod as error:
        raise BadQuery(str(error)) from None


def _sent(request: Request, document: Document, form: str) -> HttpResponseBase:
    """The report, or 304 where the asker has it."""
    content = as_json(document) if form == "json" else as_markdown(document).encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    response = HttpResponse(content, content_type=_CONTENT_TYPES[form])
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response


def _entry(one: shelf.Entry) -> dict[str, Any]:
    return {
        "period": one.period.name,
        "kind": one.period.kind,
        "first_day": one.period.first_day.isoformat(),
        "last_day": one.period.last_day.isoformat(),
        "made_at": one.made_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "is_whole": one.is_whole,
        "summary": msgspec.to_builtins(one.summary),
    }
