"""`tloi rollup`: sum up what changed, or all of it anew."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import UTC, date, datetime
from typing import Any

from django.core.management import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from telemetry import facade
from telemetry.access.projects import UnknownProject, project_of
from telemetry.database import connection
from telemetry.management.terminal import console_on
from telemetry.models import Project
from telemetry.series import rollups
from telemetry.series.turns import Busy
from telemetry.series.window import BadWindow, parse_day

PATIENCE_S = 3600.0
_PLAIN_STEP_S = 5.0


class Command(BaseCommand):
    help = "Sum up what changed since the last time, as is done every few seconds anyway; or make all sums anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose sums, and which."""
        parser.add_argument("--project", metavar="SLUG", help="default: every project")
        parser.add_argument("--rebuild", action="store_true", dest="is_rebuild", help="make sums anew from the calls")
        parser.add_argument("--from", dest="first", metavar="DATE", help="with --rebuild: first local day")
        parser.add_argument("--to", dest="last", metavar="DATE", help="with --rebuild: last local day, inclusive")

    def handle(self, *_: Any, **options: Any) -> None:
        """Fold, or rebuild, project by project."""
        try:
            projects = [project_of(options["project"])] if options["project"] else list(Project.objects.all())
            first, last = (parse_day(options[name]) if options[name] else None for name in ("first", "last"))
        except UnknownProject as error:
            raise CommandError(f"There is no project {options['project']!r}.") from error
        except BadWindow as error:
            raise CommandError(str(error)) from error
        if not options["is_rebuild"] and (first or last):
            raise CommandError("--from and --to say what to make anew: add --rebuild.")
        if first and last and last < first:
            raise CommandError(f"The range ends ({last}) before it begins ({first}).")
        console = console_on(self.stdout)
        for project in projects:
            try:
                if options["is_rebuild"]:
                    _rebuild(console, project, first, last)
                else:
                    _fold(console, project)
                _add_up_runs(project)
            except Busy as error:
                raise CommandError(f"Somebody else sums project {project.slug} up: run this again.") from error


def _fold(console: Console, project: Project) -> None:
    freshness = rollups.catch_up(connection(), project_id=project.pk, now=datetime.now(UTC), patience=PATIENCE_S)
    if not freshness.is_clean:
        raise CommandError(f"Project {project.slug} could not be summed up in full; the log says why.")
    newest = (
        f"its newest call is of {freshness.fresh_to:%Y-%m-%d %H:%M:%S} UTC" if freshness.fresh_to else "no calls yet"
    )
    console.print(f"Project {project.slug}: all is summed up, {newest}.", soft_wrap=True, markup=False)


def _add_up_runs(project: Project) -> None:
    if not facade.catch_up_runs(project_id=project.pk, now=datetime.now(UTC), patience_s=PATIENCE_S):
        raise CommandError(f"The runs of project {project.slug} could not be added up in full; the log says why.")


def _rebuild(console: Console, project: Project, first: date | None, last: date | None) -> None:
    """Show how many days are done: a bar on a terminal, else a line every few seconds."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done, shown_at, now = 0, time.monotonic(), datetime.now(UTC)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"Project {project.slug}, days")
        for day, end in rollups.rebuild(connection(), project_id=project.pk, now=now, first=first, last=last):
            done += 1
            progress.update(task, completed=done, total=done + (end - day).days)
            if not console.is_terminal and time.monotonic() - shown_at >= _PLAIN_STEP_S:
                shown_at = time.monotonic()
                console.print(f"Project {project.slug}: {day} is done, up to {end}", markup=False)
    days = "1 day is" if done == 1 else f"{done:,} days are"
    console.print(f"Project {project.slug}: the sums of {days} made anew.", soft_wrap=True, markup=False)
