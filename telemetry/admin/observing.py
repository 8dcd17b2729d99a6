"""What detectors let pass: proposed by verdicts, or written down by hand; accepted and ended here."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from telemetry.models import AllowedWaste
from telemetry.observer import verdicts


@admin.register(AllowedWaste)
class AllowedWasteAdmin(admin.ModelAdmin[AllowedWaste]):
    """Allowances; one that is added by hand is in force at once. Who changed what stands in the history of each."""

    list_display = ("detector", "task_type", "project", "state", "accepted_by", "proposed_at", "note")
    list_filter = ("project", "detector")
    search_fields = ("task_type", "note")
    fields = ("project", "detector", "task_type", "note", "state", "accepted_by", "proposed_at")
    readonly_fields = ("state", "accepted_by", "proposed_at")
    actions = ("accept", "end")

    @admin.display(description="State")
    def state(self, allowed: AllowedWaste) -> str:
        """proposed, in force, dismissed or ended."""
        if allowed.dismissed_at:
            return "ended" if allowed.accepted_at else "dismissed"
        return "in force" if allowed.accepted_at else "proposed"

    @admin.action(description="Let the selected task types pass")
    def accept(self, request: HttpRequest, chosen: QuerySet[AllowedWaste]) -> None:
        """Put allowances in force, dismissed and ended ones too."""
        count = verdicts.accept([one.pk for one in chosen], by=str(request.user.get_username()), now=datetime.now(UTC))
        self.message_user(request, f"{count} in force from the next judging on.")

    @admin.action(description="Flag the selected task types again")
    def end(self, request: HttpRequest, chosen: QuerySet[AllowedWaste]) -> None:
        """End allowances; those that are not in force stay as they are."""
        count = verdicts.end([one.pk for one in chosen], now=datetime.now(UTC))
        self.message_user(request, f"{count} ended from the next judging on.")

    def save_model(self, request: HttpRequest, obj: AllowedWaste, form: ModelForm[AllowedWaste], change: bool) -> None:
        """What a person adds here needs nobody else to accept it."""
        if not change:
            obj.accepted_at, obj.accepted_by = datetime.now(UTC), str(request.user.get_username())
        super().save_model(request, obj, form, change)
