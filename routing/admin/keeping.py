"""For how long answers are kept. A change forgets what was kept for those whom it concerns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from routing.cache.results import forget
from routing.gateway.repeats import tags_of
from routing.models import KeepRule
from telemetry import facade


class KeepRuleForm(forms.ModelForm[KeepRule]):
    """A rule; its project and key are chosen from those there are."""

    project = forms.ChoiceField(required=False, help_text="Empty: every project.")
    key_id = forms.TypedChoiceField(
        label="API key", required=False, coerce=int, empty_value=None, help_text="Empty: every key."
    )

    class Meta:
        model = KeepRule
        fields = ("project", "key_id", "task_type", "hours")

    def __init__(self, *args: Any, **said: Any) -> None:
        super().__init__(*args, **said)
        keys = facade.list_keys(project_slug=None, now=datetime.now(UTC))
        named = {key.id: f"{key.project}: {key.name} ({key.prefix})" for key in keys if key.state == "active"}
        projects = {key.project: key.project for key in keys}
        self._offer("project", [("", "every project"), *projects.items()])
        self._offer("key_id", [("", "every key"), *named.items()])

    def _offer(self, name: str, choices: list[tuple[Any, str]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices


@admin.register(KeepRule)
class KeepRuleAdmin(admin.ModelAdmin[KeepRule]):
    """The rules."""

    form = KeepRuleForm
    list_display = ("__str__", "whose", "key_id", "task_type")

    @admin.display(description="Project")
    def whose(self, rule: KeepRule) -> str:
        """The project, or that it holds for all."""
        return rule.project or "every project"

    def save_model(self, request: HttpRequest, obj: KeepRule, form: ModelForm[KeepRule], change: bool) -> None:
        """Save, and forget what was kept under the rule, before and after the change."""
        super().save_model(request, obj, form, change)
        _forget(request, {obj.project, str(form.initial.get("project", obj.project))})

    def delete_model(self, request: HttpRequest, obj: KeepRule) -> None:
        """Delete, and forget what was kept under the rule."""
        super().delete_model(request, obj)
        _forget(request, {obj.project})

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[KeepRule]) -> None:
        """Delete several, and forget what was kept under them."""
        projects = set(queryset.values_list("project", flat=True))
        super().delete_queryset(request, queryset)
        _forget(request, projects)


def _forget(request: HttpRequest, projects: set[str]) -> None:
    """Once the change is there for others."""
    tags = {tags_of(project)[1 if project else 0] for project in projects}

    def do() -> None:
        if [tag for tag in sorted(tags) if not forget(tag)]:
            messages.warning(request, "The cache does not answer: what it keeps may be given until it passes.")

    transaction.on_commit(do)
