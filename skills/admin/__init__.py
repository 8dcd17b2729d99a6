"""Skills in the admin: where they come from."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from skills import roots
from skills.models import SkillRoot
from telemetry import facade


class SkillRootForm(forms.ModelForm[SkillRoot]):
    """A root; its project is chosen from those that have keys, which is who could ask."""

    project_id = forms.TypedChoiceField(
        label="project", required=False, coerce=int, empty_value=None, help_text="Empty: every project."
    )

    class Meta:
        model = SkillRoot
        fields = ("path", "project_id", "position")

    def __init__(self, *args: Any, **said: Any) -> None:
        super().__init__(*args, **said)
        field = self.fields["project_id"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "every project"), *_projects().items()]


@admin.register(SkillRoot)
class SkillRootAdmin(admin.ModelAdmin[SkillRoot]):
    """The roots, in the order in which they are looked through, after those of the settings."""

    form = SkillRootForm
    list_display = ("path", "whose", "position")

    @admin.display(description="Project")
    def whose(self, root: SkillRoot) -> str:
        """The project, or that all may use it."""
        return "every project" if root.project_id is None else _projects().get(root.project_id, f"{root.project_id}")

    def save_model(self, request: HttpRequest, obj: SkillRoot, form: ModelForm[SkillRoot], change: bool) -> None:
        """Save; other processes look within a second."""
        super().save_model(request, obj, form, change)
        roots.reread()

    def delete_model(self, request: HttpRequest, obj: SkillRoot) -> None:
        """Delete; other processes look within a second."""
        super().delete_model(request, obj)
        roots.reread()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SkillRoot]) -> None:
        """Delete several."""
        super().delete_queryset(request, queryset)
        roots.reread()


def _projects() -> dict[int, str]:
    return {project.id: project.slug for project in facade.list_projects()}
