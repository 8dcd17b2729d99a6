"""Prices that people set, and which price table was in use when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from telemetry.models import PriceOverride, PriceVersion


@admin.register(PriceOverride)
class PriceOverrideAdmin(admin.ModelAdmin[PriceOverride]):
    """Prices that people set. Who changed what stands in the history of each; ending one keeps what it priced named."""

    list_display = ("model", "provider", "scope", "is_free", "input_usd", "output_usd", "valid_from", "valid_to")
    list_filter = ("project", "is_free")
    search_fields = ("model", "provider", "note")
    readonly_fields = ("created_at", "changed_at")
    fieldsets = (
        ("Which calls", {"fields": ("project", "provider", "model", ("valid_from", "valid_to"))}),
        (
            "What they cost",
            {
                "fields": (
                    "is_free",
                    ("input_usd", "output_usd"),
                    ("cache_read_usd", "cache_write_usd", "cache_write_1h_usd"),
                    "per_call_usd",
                )
            },
        ),
        ("Why", {"fields": ("note", ("created_at", "changed_at"))}),
    )

    @admin.display(description="Project", ordering="project")
    def scope(self, override: PriceOverride) -> str:
        """The project, or that it holds for all."""
        return override.project.slug if override.project else "every project"

    def save_model(
        self, request: HttpRequest, obj: PriceOverride, form: ModelForm[PriceOverride], change: bool
    ) -> None:
        """Save, and say what becomes of calls that are here already."""
        super().save_model(request, obj, form, change)
        whose = f" --project {obj.project.slug}" if obj.project else ""
        days = f"--from {obj.valid_from or 'DATE'} --to {obj.valid_to or 'DATE'}"
        says = "Calls that arrive from now on are priced so. To price those that are here"
        self.message_user(request, f"{says}: tloi reprice {days}{whose} --model '{obj.model}'")


@admin.register(PriceVersion)
class PriceVersionAdmin(admin.ModelAdmin[PriceVersion]):
    """Which price table was in use when: to look at."""

    list_display = ("name", "valid_from_at", "valid_to_at", "note")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """TLOI writes them itself."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was is not changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Calls name them."""
        return False
