"""Tiers and aliases. Shares, and which tiers are in use, are changed together in the list: they always make 100 %."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest

from routing import roster
from routing.models import Alias, Tier
from routing.models.tiers import HUNDRED
from telemetry import facade

CAPABILITIES = ("has_tools", "has_vision", "has_json", "has_embeddings")
TOGETHER = ("is_enabled", "share_percent")


class Shares(BaseModelFormSet[Tier, ModelForm[Tier]]):
    """The list's rows: together they give every call a tier."""

    def clean(self) -> None:
        """Refuse shares that do not make 100 %. Raises ValidationError."""
        super().clean()
        if any(form.errors for form in self.forms):
            return
        used = [form for form in self.forms if form.cleaned_data.get("is_enabled")]
        idle = [form for form in self.forms if form not in used and form.cleaned_data.get("share_percent")]
        if idle:
            names = ", ".join(form.instance.name for form in idle)
            raise ValidationError(f"{names}: a tier that is not in use has a share of 0.")
        found = sum((form.cleaned_data["share_percent"] for form in used), Decimal(0))
        if found != HUNDRED:
            raise ValidationError(f"The shares of the tiers in use make {found} %, and must make 100 %.")


@admin.register(Tier)
class TierAdmin(admin.ModelAdmin[Tier]):
    """The ladder."""

    list_display = ("name", "position", "provider", "model", *TOGETHER, "standing")
    list_editable = TOGETHER
    list_select_related = ("provider", "quota")
    list_per_page = 1_000  # all in one form, for they add up
    ordering = ("position",)
    readonly_fields = (*TOGETHER, "standing")
    fieldsets = (
        (None, {"fields": (("position", "name"), ("provider", "model"), "standing")}),
        ("How many calls it gets", {"fields": (TOGETHER,), "description": "Changed in the list, all tiers at once."}),
        ("What it can do", {"fields": (("context_window", "max_output"), CAPABILITIES)}),
        ("What it costs", {"fields": ("is_free", ("input_usd", "output_usd"))}),
        ("How many calls it takes", {"fields": (("concurrency", "queue"), "quota")}),
        ("How long it may take", {"fields": (("connect_s", "first_token_s", "silence_s"), ("total_s", "whole_s"))}),
    )

    @admin.display(description="State")
    def standing(self, tier: Tier) -> str:
        """Whether it can be asked, as far as the web server's process knows."""
        if not tier.pk or not tier.is_enabled:
            return "not in use"
        found = roster.trouble_of(tier) or "ready"
        if not tier.vanished_at:
            return found
        return f"{found} (looked for at {tier.vanished_at:%Y-%m-%d %H:%M} UTC)"

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The list's form, with the check of its sum."""
        return super().get_changelist_formset(request, formset=Shares, **kwargs)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """A tier is deleted on its own page, where it is asked whether it has a share."""
        found = super().get_actions(request)
        found.pop("delete_selected", None)
        return found

    def has_delete_permission(self, request: HttpRequest, obj: Tier | None = None) -> bool:
        """Its share goes to others first."""
        return (obj is None or not obj.is_enabled) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Tier, form: ModelForm[Tier], change: bool) -> None:
        """Save; another model has not vanished, as far as anybody knows."""
        if {"model", "provider"} & set(form.changed_data):
            obj.looked_at = obj.vanished_at = None
        super().save_model(request, obj, form, change)
        if not change:
            self.message_user(request, f"{obj.name} is not in use yet: give it a share in the list of tiers.")


class AliasForm(forms.ModelForm[Alias]):
    """An alias; its key is chosen from those there are."""

    key_id = forms.TypedChoiceField(
        label="API key", required=False, coerce=int, empty_value=None, help_text="Empty: every key."
    )

    class Meta:
        model = Alias
        fields = ("key_id", "name", "tier")

    def __init__(self, *args: Any, **said: Any) -> None:
        super().__init__(*args, **said)
        choice = self.fields["key_id"]
        if isinstance(choice, forms.TypedChoiceField):
            choice.choices = [("", "every key"), *_keys().items()]

    def clean_name(self) -> str:
        """Refuse what means something else. Raises ValidationError."""
        name: str = self.cleaned_data["name"].strip()
        if name.lower() == "auto" or name.lower().startswith("tier:"):
            raise ValidationError("auto and tier:… mean something already.")
        return name


@admin.register(Alias)
class AliasAdmin(admin.ModelAdmin[Alias]):
    """Names that agents ask for."""

    form = AliasForm
    list_display = ("name", "whose", "target")
    list_select_related = ("tier",)
    search_fields = ("name",)

    @admin.display(description="API key")
    def whose(self, alias: Alias) -> str:
        """The key, or that it holds for all."""
        return "every key" if alias.key_id is None else _keys().get(alias.key_id, f"key {alias.key_id}, which is gone")

    @admin.display(description="Gets")
    def target(self, alias: Alias) -> str:
        """The tier, or the ladder."""
        return str(alias.tier) if alias.tier else "the ladder"


def _keys() -> dict[int, str]:
    """What may be chosen: project, name and prefix of each key that works."""
    found = facade.list_keys(project_slug=None, now=datetime.now(UTC))
    return {key.id: f"{key.project}: {key.name} ({key.prefix})" for key in found if key.state == "active"}
