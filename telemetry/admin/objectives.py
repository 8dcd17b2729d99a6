"""Objectives, their key results, and what work counts towards them. What was said of days that are over stays."""

from __future__ import annotations

from copy import copy
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest
from django.urls import URLPattern, path

from telemetry.admin import objective_upload
from telemetry.limits import editing
from telemetry.models import Attribution, KeyResult, KeyResultValue, Objective, Project, WorkItem

SINCE = "It holds from today on; what was spent before stays where it is."


def _today(project: Project) -> date:
    return editing.today_of(project, datetime.now(UTC))


class _Kept(admin.ModelAdmin[Any]):
    """Rows that spend rests on: they go on the day on which they were written down, and never later."""

    kept_fields: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a row says of the days before is not changed."""
        return (*self.readonly_fields, *(self.kept_fields if obj else ()))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing rests on what was only said today."""
        if obj is None or obj.recorded_on < _today(obj.project):
            return False
        return super().has_delete_permission(request, obj)


class _KeyForm(forms.ModelForm[Any]):
    """A key names one thing of a project."""

    def clean(self) -> dict[str, Any] | None:
        """Refuse a key that is taken."""
        data = super().clean()
        wanted = copy(self.instance)
        objective = self.cleaned_data.get("objective")
        project = objective.project if objective else self.cleaned_data.get("project")
        if self.instance.pk is None and project and "key" in self.cleaned_data:
            wanted.project, wanted.key = project, self.cleaned_data["key"]
            try:
                editing.refuse_taken(wanted)
            except ValidationError as error:
                self.add_error(None, error)
        return data


@admin.register(Objective)
class ObjectiveAdmin(_Kept):
    """Objectives. Their key results stand on a page of their own."""

    form = _KeyForm
    list_display = ("key", "title", "project", "priority", "owner", "first_day", "last_day")
    list_filter = ("project", "priority")
    list_select_related = ("project",)
    search_fields = ("key", "title", "owner")
    fields = ("project", "key", "title", "priority", "owner", ("first_day", "last_day"))
    kept_fields = ("project", "key")

    def get_urls(self) -> list[URLPattern]:
        """With the page on which a file is uploaded."""
        view = self.admin_site.admin_view(partial(objective_upload.upload, site=self.admin_site))
        return [path("import/", view, name="telemetry_objective_upload"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Objective, form: ModelForm[Objective], change: bool) -> None:
        """Save, with the day on which it was first written down."""
        if not change:
            obj.recorded_on = _today(obj.project)
        super().save_model(request, obj, form, change)


class KeyResultValueInline(admin.TabularInline[KeyResultValue, KeyResult]):
    """What the metric was, day by day."""

    model = KeyResultValue
    extra = 1
    fields = ("day", "value", "source")


@admin.register(KeyResult)
class KeyResultAdmin(_Kept):
    """Key results with what was measured of them."""

    form = _KeyForm
    list_display = ("key", "title", "objective", "metric", "start_value", "target_value", "unit")
    list_filter = ("project",)
    list_select_related = ("objective", "project")
    search_fields = ("key", "title", "metric")
    fields = (
        ("objective", "key"),
        "title",
        ("metric", "unit", "direction"),
        ("start_value", "target_value"),
        ("first_day", "last_day"),
    )
    kept_fields = ("objective", "key")
    inlines = (KeyResultValueInline,)

    def save_model(self, request: HttpRequest, obj: KeyResult, form: ModelForm[KeyResult], change: bool) -> None:
        """Save, in its objective's project."""
        if not change:
            obj.project = obj.objective.project
            obj.recorded_on = _today(obj.project)
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: BaseModelFormSet[Any, Any], change: bool) -> None:
        """Values are of the key result's project."""
        for value in formset.save(commit=False):
            value.project = form.instance.project
            value.save()
        for gone in formset.deleted_objects:
            gone.delete()


class WorkItemForm(forms.ModelForm[WorkItem]):
    """Where an item stands."""

    def clean(self) -> dict[str, Any] | None:
        """Refuse an end among the days that are over."""
        data = super().clean()
        if self.instance.pk and "last_day" in self.cleaned_data:
            known = WorkItem.objects.get(pk=self.instance.pk)
            try:
                editing.refuse_past(self.cleaned_data["last_day"], known.last_day, _today(known.project))
            except ValidationError as error:
                self.add_error(None, error)
        elif self.cleaned_data.get("key") and self.cleaned_data.get("project"):
            wanted = WorkItem(
                **{name: self.cleaned_data.get(name) or "" for name in ("key", "parent")},
                project=self.cleaned_data["project"],
            )
            try:
                wanted.clean()
                editing.refuse_ring(wanted)
            except ValidationError as error:
                self.add_error(None, error)
        return data


@admin.register(WorkItem)
class WorkItemAdmin(_Kept):
    """Work items. One that moves is written down again: what was said before ends."""

    form = WorkItemForm
    list_filter = ("project", "source")
    list_select_related = ("project",)
    list_display = ("key", "parent", "title", "project", "source", "first_day", "last_day")
    search_fields = ("key", "parent", "title")
    fields = ("project", "key", "parent", "title", "source", ("first_day", "last_day"))
    kept_fields = ("project", "key", "parent", "first_day")

    def save_model(self, request: HttpRequest, obj: WorkItem, form: ModelForm[WorkItem], change: bool) -> None:
        """Save, and end what was said of the same item."""
        if change:
            super().save_model(request, obj, form, change)
            return
        editing.stand(obj, today=_today(obj.project))
        self.message_user(request, SINCE)


class AttributionForm(forms.ModelForm[Attribution]):
    """An attribution as a person writes it."""

    def clean(self) -> dict[str, Any] | None:
        """Refuse what would give a subject away more than once, or change days that are over."""
        data = super().clean()
        if self.errors:
            return data
        wanted = copy(self.instance)
        for name, value in self.cleaned_data.items():
            setattr(wanted, name, value)
        try:
            wanted.clean()
            since = None
            if wanted.pk:
                since = _today(wanted.project)
                before = Attribution.objects.get(pk=wanted.pk).last_day
                editing.refuse_past(wanted.last_day, before, since)
            editing.refuse_overfull(wanted, since=since)
        except ValidationError as error:
            self.add_error(None, error)
        return data


@admin.register(Attribution)
class AttributionAdmin(_Kept):
    """Attributions. A new weight holds from today on, in a row of its own; an end is the last day that counts."""

    form = AttributionForm
    list_display = ("subject", "project", "objective", "key_result", "weight", "first_day", "last_day", "author")
    list_filter = ("project", "kind", "objective")
    list_select_related = ("project", "objective", "key_result")
    search_fields = ("name", "task_type", "agent", "pattern", "note")
    fields = (
        "project",
        "kind",
        "name",
        ("task_type", "agent", "pattern"),
        ("objective", "key_result", "weight"),
        ("first_day", "last_day"),
        "note",
        ("author", "recorded_on"),
    )
    readonly_fields = ("author", "recorded_on")
    kept_fields = (
        *("project", "kind", "name", "task_type", "agent", "pattern", "objective", "key_result", "first_day"),
    )
    actions = ("end",)

    @admin.action(description="End the selected attributions with yesterday", permissions=("change",))
    def end(self, request: HttpRequest, chosen: QuerySet[Attribution]) -> None:
        """End attributions; those that have ended stay as they are."""
        by_project: dict[int, list[Attribution]] = {}
        for one in chosen.select_related("project").order_by("project_id", "pk"):
            by_project.setdefault(one.project_id, []).append(one)
        count = sum(editing.end(of_it, today=_today(of_it[0].project)) for of_it in by_project.values())
        self.message_user(request, f"{count} ended. {SINCE}")

    def save_model(self, request: HttpRequest, obj: Attribution, form: ModelForm[Attribution], change: bool) -> None:
        """Save, or let a new weight follow the old one."""
        by, today = str(request.user.get_username()), _today(obj.project)
        if change:
            known = Attribution.objects.get(pk=obj.pk)
            known.last_day, known.note = obj.last_day, obj.note
            known.save(update_fields=["last_day", "note"])
            obj.pk = editing.reweigh(known, obj.weight, by=by, today=today).pk
        else:
            editing.say(obj, by=by, today=today)
        self.message_user(request, SINCE)
