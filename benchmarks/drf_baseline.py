"""The usual way, to measure against: DRF's serializers for each item and Django's bulk_create. Same key, same table."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")

import django
from django.core.handlers.wsgi import WSGIHandler

django.setup()

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.urls import path, set_urlconf
from rest_framework import parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry.api.auth import holder_of
from telemetry.api.health import healthz
from telemetry.ledger.identity import key_id
from telemetry.ledger.store import LABELS
from telemetry.models import Call

_TEXTS = (*LABELS, "provider", "model")
_COUNTS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")


class CallSerializer(serializers.Serializer[Call]):
    """The fields of a call, checked as DRF checks them."""

    id = serializers.CharField(max_length=300)
    started_at = serializers.DateTimeField()
    reasoning = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
    duration_ms = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
    ttft_ms = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
    attributes = serializers.JSONField(required=False, default=None)

    def get_fields(self) -> dict[str, Any]:
        """The fields above, the texts and the counts."""
        fields: dict[str, Any] = super().get_fields()
        fields |= {
            n: serializers.CharField(max_length=200, required=False, allow_blank=True, default="") for n in _TEXTS
        }
        return fields | {n: serializers.IntegerField(min_value=0, required=False, default=0) for n in _COUNTS}


class CallsView(APIView):
    """Validate all items, build all models, insert them in one statement."""

    scope = "ingest"
    parser_classes = (parsers.JSONParser,)

    def post(self, request: Request) -> Response:
        """201 and the count."""
        serializer = CallSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        project, now = holder_of(request).project_id, datetime.now(UTC)
        calls = [
            Call(
                **{**item, "id": UUID(bytes=key_id(item["id"]))},
                project_id=project,
                request_key=item["id"],
                quality=0,
                cost_kind="",
                price_version="",
                source="drf",
                received_at=now,
            )
            for item in serializer.validated_data
        ]
        Call.objects.bulk_create(calls, ignore_conflicts=True)
        return Response({"accepted": len(calls)}, status=201)


urlpatterns = [path("calls/", CallsView.as_view()), path("healthz", healthz)]


class _Handler(WSGIHandler):
    """Django with these addresses instead of the site's."""

    def get_response(self, request: Any) -> Any:
        """Answer by this module's addresses."""
        request.urlconf = __name__
        set_urlconf(__name__)
        return super().get_response(request)


application = _Handler()
