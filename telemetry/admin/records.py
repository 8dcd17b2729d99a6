"""Records that were set apart."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from telemetry.models import Quarantined


@admin.register(Quarantined)
class QuarantinedAdmin(admin.ModelAdmin[Quarantined]):
    """Records whose time cannot be believed: to look at and to delete."""

    list_display = ("received_at", "project_id", "source", "reason")
    list_filter = ("source", "reason")
    readonly_fields = ("project_id", "source", "reason", "record", "received_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Records come by ingest only."""
        return False
