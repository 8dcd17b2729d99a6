"""Whose prompts are made shorter, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin

from routing.models import CompressionRule
from telemetry import facade


class CompressionRuleForm(forms.ModelForm[CompressionRule]):
    """A rule; its project is chosen from those that have a key."""

    project = forms.ChoiceField(required=False, help_text="Empty: every project that has no rule of its own.")

    class Meta:
        model = CompressionRule
        fields = ("project", "mode", "session_tokens", "turns", "result_tokens")

    def __init__(self, *args: Any, **said: Any) -> None:
        super().__init__(*args, **said)
        keys = facade.list_keys(project_slug=None, now=datetime.now(UTC))
        slugs = sorted({key.project for key in keys} | ({self.instance.project} - {""}))
        field = self.fields["project"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "every project"), *((slug, slug) for slug in slugs)]


@admin.register(CompressionRule)
class CompressionRuleAdmin(admin.ModelAdmin[CompressionRule]):
    """The rules."""

    form = CompressionRuleForm
    list_display = ("whose", "mode", "session_tokens", "turns", "result_tokens")
    list_editable = ("mode",)

    @admin.display(description="Project")
    def whose(self, rule: CompressionRule) -> str:
        """The project, or that it holds for all."""
        return rule.project or "every project"
