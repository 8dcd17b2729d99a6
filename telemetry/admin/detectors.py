"""What a project says of the detectors, where that is not their default."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from telemetry.models import DetectorRule, Project
from telemetry.observer.findings import Limits
from telemetry.observer.rules import BY_NAME, DETECTORS, Detector, limits_of

SINCE = "It holds for what is judged from now on: executions that come or change, and each night the day before."


def numbers_of(detector: Detector, limits: Limits) -> str:
    """The numbers of a detector and what they mean, a line each."""
    meant = detector.MEANINGS
    return "\n".join(
        f"{name} {value:,f}: {meaning}"
        for name, value, meaning in (
            ("Threshold", limits.threshold.normalize(), meant.threshold),
            ("Allowance", limits.allowance.normalize(), meant.allowance),
            ("Floor", Decimal(limits.floor_tokens), meant.floor),
        )
    )


class DetectorRuleInline(admin.TabularInline[DetectorRule, Project]):
    """On the project's page: what differs from the defaults."""

    model = DetectorRule
    extra = 0
    fields = ("detector", "is_enabled", "threshold", "allowance", "floor_tokens", "in_force")
    readonly_fields = ("in_force",)
    verbose_name_plural = "Detector rules: an empty number is the default"

    @admin.display(description="In force")
    def in_force(self, rule: DetectorRule) -> str:
        """The numbers that hold, with what they mean."""
        detector = BY_NAME.get(rule.detector)
        return numbers_of(detector, limits_of(detector, rule)) if detector else "Shown once it is saved."


@admin.register(DetectorRule)
class DetectorRuleAdmin(admin.ModelAdmin[DetectorRule]):
    """Rules of all projects. A project without one has the defaults, which the form shows."""

    list_display = ("detector", "project", "is_enabled", "threshold", "allowance", "floor_tokens")
    list_filter = ("project", "detector")
    readonly_fields = ("defaults",)
    fieldsets = (
        (None, {"fields": ("project", "detector", "is_enabled")}),
        (
            "Its numbers",
            {
                "fields": (("threshold", "allowance", "floor_tokens"), "defaults"),
                "description": "An empty number is the default. Tokens are counted as the project counts them.",
            },
        ),
    )

    @admin.display(description="Defaults")
    def defaults(self, rule: DetectorRule | None) -> str:
        """The defaults of its detector, or of all of them where none is chosen yet."""
        known = BY_NAME.get(rule.detector) if rule else None
        labels = dict(DetectorRule._meta.get_field("detector").flatchoices)
        shown = (known,) if known else DETECTORS
        return "\n\n".join(f"{labels[one.NAME]}\n{numbers_of(one, one.DEFAULTS)}" for one in shown)

    def save_model(self, request: HttpRequest, obj: DetectorRule, form: ModelForm[DetectorRule], change: bool) -> None:
        """Save, and say from when on it holds."""
        super().save_model(request, obj, form, change)
        self.message_user(request, SINCE)
