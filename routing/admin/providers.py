"""Providers and quota groups: a key goes in and never comes out, and to no other host than it was entered for."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest

from routing.models import Provider, QuotaGroup
from routing.providers.addresses import Forbidden, check, configured
from telemetry import facade

KEPT = "Leave empty to keep it."
AGAIN = "The address is another one: enter the key again, so that it goes nowhere unseen."
MEANT = "The address is another one: tick that it gets the key of the variable."


class ProviderForm(forms.ModelForm[Provider]):
    """A provider as a person writes it."""

    key = forms.CharField(
        required=False,
        strip=True,
        max_length=1_000,
        widget=forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"}),
        help_text=f"Sealed with TLOI_SECRET_KEY, and never shown again. {KEPT}",
    )
    forgets_key = forms.BooleanField(label="Forget the sealed key", required=False)
    is_meant = forms.BooleanField(
        label="The new address gets the key of the variable",
        required=False,
        help_text="Asked when the address changes.",
    )

    class Meta:
        model = Provider
        fields = ("name", "family", "base_url", "key_variable", "speaks_responses", "is_local", "is_managed")

    def clean_base_url(self) -> str:
        """Refuse what is never asked."""
        base_url: str = self.cleaned_data["base_url"].strip().rstrip("/")
        try:
            check(base_url, configured())
        except Forbidden as error:
            raise ValidationError(str(error)) from error
        return base_url

    def clean_key(self) -> str:
        """Refuse what no header can hold, without repeating it."""
        key: str = self.cleaned_data["key"]
        if any(not 33 <= ord(sign) <= 126 for sign in key):
            raise ValidationError("A key has no spaces, line breaks or letters outside of ASCII.")
        return key

    def clean(self) -> dict[str, Any] | None:
        """A key goes to the host that it was entered for."""
        found = super().clean()
        base_url = self.cleaned_data.get("base_url", "")
        if self.cleaned_data.get("family") == Provider.Family.ANTHROPIC and base_url.endswith("/v1"):
            self.add_error("base_url", "Anthropic's base URL ends before /v1: what is asked begins with it.")
        if self.instance.pk and base_url and _origin(base_url) != _origin(self.initial.get("base_url", "")):
            self._ask_again()
        return found

    def _ask_again(self) -> None:
        said = self.cleaned_data
        if self.instance.sealed_key and not said.get("key") and not said.get("forgets_key"):
            self.add_error("key", AGAIN)
        if said.get("key_variable") and not said.get("is_meant"):
            self.add_error("is_meant", MEANT)


@admin.register(Provider)
class ProviderAdmin(admin.ModelAdmin[Provider]):
    """Providers, with their keys as their last four characters."""

    form = ProviderForm
    list_display = ("name", "family", "base_url", "opened_with", "asked_for")
    search_fields = ("name", "base_url")
    readonly_fields = ("opened_with",)
    fieldsets = (
        (None, {"fields": ("name", "family", "base_url", "speaks_responses")}),
        ("Key", {"fields": ("opened_with", "key_variable", "key", "forgets_key", "is_meant")}),
        ("Models on our own machines", {"fields": ("is_local", "is_managed")}),
    )

    @admin.display(description="Opened with")
    def opened_with(self, provider: Provider) -> str:
        """The variable and whether it is set here, and how the sealed key ends."""
        parts = []
        if provider.key_variable:
            is_set = bool(os.environ.get(provider.key_variable, "").strip())
            parts.append(f"${provider.key_variable} ({'set' if is_set else 'not set'} in the web server's process)")
        if provider.sealed_key:
            parts.append(_ending(provider.sealed_key))
        return ", else ".join(parts) or "no key"

    @admin.display(description="Tiers")
    def asked_for(self, provider: Provider) -> str:
        """The tiers that ask it."""
        return ", ".join(tier.name for tier in provider.tiers.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the tiers, for the list."""
        return super().get_queryset(request).prefetch_related("tiers")

    def save_model(self, request: HttpRequest, obj: Provider, form: ModelForm[Provider], change: bool) -> None:
        """Seal what was typed in."""
        if form.cleaned_data.get("forgets_key"):
            obj.sealed_key = ""
        if key := form.cleaned_data.get("key"):
            obj.sealed_key = facade.seal_key(key)
        super().save_model(request, obj, form, change)


@admin.register(QuotaGroup)
class QuotaGroupAdmin(admin.ModelAdmin[QuotaGroup]):
    """What accounts may do."""

    list_display = ("name", "a_minute", "a_day", "note")


def _origin(base_url: str) -> tuple[str, str, int]:
    """The part of an address that says who gets the key."""
    parts = urlsplit(base_url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _ending(sealed: str) -> str:
    try:
        return f"a sealed key that ends in {facade.sealed_ending(sealed)}"
    except facade.Lost as error:
        return str(error)
