"""The stock admin for what people edit: projects, members, keys, prices; and the records that were set apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from telemetry.access import keys
from telemetry.models import ApiKey, Membership, PriceOverride, PriceVersion, Project, Quarantined


class MembershipInline(admin.TabularInline[Membership, Project]):
    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ("slug", "name", "time_zone", "retention_days", "created_at")
    search_fields = ("slug", "name")
    inlines = (MembershipInline,)


class KeyForm(forms.ModelForm[ApiKey]):
    """A key as a person writes it; its secret is made on saving and shown once."""

    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices, widget=forms.CheckboxSelectMultiple, initial=["ingest", "read"]
    )

    class Meta:
        model = ApiKey
        fields = ("project", "name", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """Keys are made and revoked here, never shown again and never un-revoked."""

    form = KeyForm
    list_display = ("name", "project", "prefix", "scopes", "state", "last_used_at", "created_at")
    list_filter = ("project",)
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        """active, revoked or expired."""
        return keys.state(key, now=datetime.now(UTC))

    @admin.action(description="Revoke the selected keys at once")
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        """Revoke keys; what is revoked already stays as it is."""
        now = datetime.now(UTC)
        count = sum(keys.revoke_key(key.prefix, now=now) for key in chosen)
        self.message_user(request, f"{count} revoked.")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm[ApiKey], change: bool) -> None:
        """Make the secret of a new key and show it this once."""
        if change:
            super().save_model(request, obj, form, change)
            return
        plain = keys.complete(obj)
        self.message_user(request, f"Copy the key now, it is not shown again: {plain}", messages.WARNING)


@admin.register(Quarantined)
class QuarantinedAdmin(admin.ModelAdmin[Quarantined]):
    """Records whose time cannot be believed: to look at and to delete."""

    list_display = ("received_at", "project_id", "source", "reason")
    list_filter = ("source", "reason")
    readonly_fields = ("project_id", "source", "reason", "record", "received_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Records come by ingest only."""
        return False


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
