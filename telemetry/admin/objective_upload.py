"""A file of objectives that a person uploads in the admin: all of it is kept, or nothing and every reason why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from telemetry.limits import editing, objective_files, objective_import
from telemetry.limits.objective_files import MOST_BYTES, BadFile, Sheet
from telemetry.models import Project

NEEDED = ("objective", "keyresult", "keyresultvalue", "workitem", "attribution")


class UploadForm(forms.Form):
    """A project and a file for it."""

    project = forms.ModelChoiceField(queryset=Project.objects.order_by("slug"))
    file = forms.FileField(help_text="JSON or CSV, UTF-8. The same file again changes nothing.")

    def clean_file(self) -> Sheet:
        """What the file says."""
        sent = self.cleaned_data["file"]
        if sent.size > MOST_BYTES:
            raise ValidationError(f"The file is larger than {MOST_BYTES // 2**20} MiB.")
        try:
            return objective_files.read(sent.read(), file_name=sent.name)
        except BadFile as error:
            raise ValidationError(error.problems) from error


def upload(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """The form, or what became of a file. Raises PermissionDenied."""
    if not all(request.user.has_perm(f"telemetry.{verb}_{name}") for name in NEEDED for verb in ("add", "change")):
        raise PermissionDenied
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and _is_kept(request, form):
        return HttpResponseRedirect(reverse("admin:telemetry_objective_changelist"))
    context: dict[str, Any] = {**site.each_context(request), "title": "Import objectives", "form": form}
    return render(request, "telemetry/objective_upload.html", context)


def _is_kept(request: HttpRequest, form: UploadForm) -> bool:
    project: Project = form.cleaned_data["project"]
    today = editing.today_of(project, datetime.now(UTC))
    by = str(request.user.get_username())
    try:
        kept = objective_import.keep(form.cleaned_data["file"], project=project, by=by, today=today)
    except BadFile as error:
        form.add_error("file", ValidationError(error.problems))
        return False
    messages.success(request, f"{project.slug}: {kept}.")
    return True
