"""The usual way, to measure against: DRF's view and serializers, and Django's bulk_create. Same key, same table.

Once as DRF's documentation has it, which answers with all items as saved, and once with a count for an answer.
"""

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
from rest_framework import generics, parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from telemetry.api.auth import holder_of
from telemetry.api.health import healthz
from telemetry.ledger.identity import key_id
from telemetry.ledger.rows import LABELS
from telemetry.models import Call

_TEXTS = (*LABELS, "provider", "model")
_COUNTS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")


class BulkSerializer(serializers.ListSerializer[list[Call]]):
    """All items in one statement, as DRF's documentation shows it."""

    def create(self, validated_data: list[dict[str, Any]]) -> list[Call]:
        """The calls, inserted by bulk_create."""
        fixed = {"quality": 0, "cost_kind": "", "price_version": "", "source": "drf", "received_at": datetime.now(UTC)}
        project = holder_of(self.context["request"]).project_id
        calls = [
            Call(**item | fixed, id=UUID(bytes=key_id(item["request_key"])), project_id=project)
            for item in validated_data
        ]
        return Call.objects.bulk_create(calls, ignore_conflicts=True)


class CallSerializer(serializers.Serializer[Call]):
    """The fields of a call, checked as DRF checks them."""

    id = serializers.CharField(max_length=300, source="request_key")
    started_at = serializers.DateTimeField()
    reasoning = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
    duration_ms = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
    ttft_ms = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
    attributes = serializers.JSONField(required=False, default=None)

    class Meta:
        list_serializer_class = BulkSerializer

    def get_fields(self) -> dict[str, Any]:
        """The fields above, the texts and the counts."""
        fields: dict[str, Any] = super().get_fields()
        text: dict[str, Any] = {"max_length": 200, "required": False, "allow_blank": True, "default": ""}
        fields |= {name: serializers.CharField(**text) for name in _TEXTS}
        return fields | {name: serializers.IntegerField(min_value=0, required=False, default=0) for name in _COUNTS}


class CallsView(generics.CreateAPIView[Call]):
    """DRF's own view to create things: it validates, saves, and answers with what it saved."""

    scope = "ingest"
    parser_classes = (parsers.JSONParser,)
    serializer_class = CallSerializer

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """A body is a list."""
        return super().get_serializer(*args, many=True, **kwargs)


class BriefView(CallsView):
    """The same, but it answers with a count."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """201 and the count."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response({"accepted": len(serializer.save())}, status=201)


urlpatterns = [
    path("calls/", CallsView.as_view()),
    path("calls/brief/", BriefView.as_view()),
    path("healthz", healthz),
]


class _Handler(WSGIHandler):
    """Django with these addresses instead of the site's."""

    def get_response(self, request: Any) -> Any:
        """Answer by this module's addresses."""
        request.urlconf = __name__
        set_urlconf(__name__)
        return super().get_response(request)


application = _Handler()
