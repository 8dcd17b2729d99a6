"""Projects, members, keys."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from telemetry.access import keys
from telemetry.admin.detectors import DetectorRuleInline
from telemetry.models import ApiKey, Membership, Project


class MembershipInline(admin.TabularInline[Membership, Project]):
    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ("slug", "name", "time_zone", "retention_days", "created_at")
    search_fields = ("slug", "name")
    inlines = (MembershipInline, DetectorRuleInline)


class KeyForm(forms.ModelForm[ApiKey]):
    """A key as a person writes it; its secret is made on saving and shown once."""

    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices, widget=forms.CheckboxSelectMultiple, initial=["ingest", "read"]
    )

    class Meta:
        model = ApiKey
        fields = ("project", "name", "scopes", "session_type", "expires_at")


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
