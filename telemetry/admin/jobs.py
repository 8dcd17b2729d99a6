"""What is done at night, as it stands: to look at, and to try again what is dead."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from telemetry.database import connection
from telemetry.jobs import queue
from telemetry.models import Job


@admin.register(Job)
class JobAdmin(admin.ModelAdmin[Job]):
    """Jobs are made and done by workers. A dead one keeps its error until an attempt goes well."""

    list_display = ("period", "kind", "project", "state", "attempts", "finished_at", "says")
    list_filter = ("state", "kind", "project")
    list_select_related = ("project",)
    search_fields = ("period", "project__slug")
    ordering = ("-last_day", "project", "first_day")
    actions = ("try_again",)

    @admin.display(description="Error")
    def says(self, job: Job) -> str:
        """The first line of what went wrong, cut short."""
        line = job.error.strip().split("\n", 1)[0]
        return line if len(line) <= 100 else f"{line[:100]}…"

    @admin.action(description="Try again: dead ones get three more attempts", permissions=("revive",))
    def try_again(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """Let dead jobs wait for a worker again; others stay as they are."""
        count = queue.revive(connection(), list(chosen.values_list("pk", flat=True)))
        self.message_user(request, f"{count} will be tried again within a quarter of a minute.")

    def has_revive_permission(self, request: HttpRequest) -> bool:
        """Those who may change jobs, although nobody does so by hand."""
        return super().has_change_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Workers make them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Workers do them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A period whose job is gone would be done twice."""
        return False
