"""Budgets, as people grant them."""

from __future__ import annotations

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from telemetry.models import Budget

COUNTS = (
    "Forecasts, alerts, the Budgets page, the gateway and agents that ask before they call count with it from now on."
    " In mode Enforce the gateway lowers or refuses calls that do not fit."
)


@admin.register(Budget)
class BudgetAdmin(admin.ModelAdmin[Budget]):
    """Budgets of all projects, and those for every project. Who changed what stands in the history of each."""

    list_display = ("scope", "which", "period", "amount", "counts", "whose", "mode", "is_enabled")
    list_filter = ("project", "scope", "period", "mode")
    search_fields = ("subject", "note")
    readonly_fields = ("created_at", "changed_at")
    fieldsets = (
        ("Of what", {"fields": ("project", ("scope", "subject"), "period")}),
        ("How much", {"fields": ("amount", "counts")}),
        ("And then", {"fields": ("mode", "is_enabled")}),
        ("Why", {"fields": ("note", ("created_at", "changed_at"))}),
    )

    @admin.display(description="Which", ordering="subject")
    def which(self, budget: Budget) -> str:
        """The subject, or that it is for each."""
        return budget.subject or ("" if budget.scope == Budget.Scope.PROJECT else "each")

    @admin.display(description="Project", ordering="project")
    def whose(self, budget: Budget) -> str:
        """The project, or that it holds for all."""
        return budget.project.slug if budget.project else "every project"

    def save_model(self, request: HttpRequest, obj: Budget, form: ModelForm[Budget], change: bool) -> None:
        """Save, and say what it does."""
        super().save_model(request, obj, form, change)
        self.message_user(request, COUNTS)
