"""`tloi import`: read what agents have written on this machine, then show it by day."""

from __future__ import annotations

import platform
import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.core.management import BaseCommand, CommandError
from django.db import OperationalError, connections
from psycopg import Connection
from rich.console import Console

from telemetry.access.projects import UnknownProject, ensure_project, project_of
from telemetry.access.room import NoRoom
from telemetry.database import connection
from telemetry.importer.files import Find, MissingPath
from telemetry.importer.importing import import_files
from telemetry.importer.options import BadWords, Seen, add_words, again_and_again, asked_files, has_changed
from telemetry.importer.report import many, sentences
from telemetry.management.added_up import added_up
from telemetry.management.day_table import day_table, days_of
from telemetry.management.terminal import console_on, reading
from telemetry.models import Project
from telemetry.series.queries import coverage, unpriced_models, usage_series
from telemetry.series.window import EARLIEST, MAX_BUCKETS, Window, by_days, local_midnight, time_zone

DEFAULT_PROJECT = "default"


class Command(BaseCommand):
    help = "Import what agents have written on this machine. Running it again reads only what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to read, and into which project."""
        add_words(parser)
        parser.add_argument("--project", default=DEFAULT_PROJECT, metavar="SLUG")
        parser.add_argument("--create-project", action="store_true", help="make the project where it is missing")

    def handle(self, *_: Any, **options: Any) -> None:
        """Import one source or all, then print the project's days."""
        try:
            finds = asked_files(options)
            project = _project(options["project"], create=options["create_project"])
        except (BadWords, MissingPath, UnknownProject) as error:
            raise CommandError(str(error)) from error
        console = console_on(self.stdout)
        if options["watch"]:
            _watch(console, project, options)
            return
        try:
            for found in finds:
                _import(console, project, found)
        except NoRoom as error:
            raise CommandError(str(error)) from error
        if any(found.files for found in finds):
            _print_days(console, project, now=datetime.now(UTC))


def _watch(console: Console, project: Project, options: dict[str, Any]) -> None:
    """Import what is new again and again; a database that is away, or a disk that is full, is waited for."""
    seen: Seen = {}

    def turn(is_first: bool) -> None:
        finds = asked_files(options)
        if not has_changed(finds, seen) and not is_first:
            return
        try:
            for found in finds:
                _import(console, project, found, is_quiet=not is_first)
        except NoRoom as error:
            seen.clear()
            console.print(str(error), soft_wrap=True, markup=False)
        except (OperationalError, psycopg.OperationalError) as error:
            seen.clear()
            connections.close_all()  # Django does not know that psycopg found it broken
            console.print(f"The database does not answer: {error}".strip(), soft_wrap=True, markup=False)

    again_and_again(turn, every=options["every"], sleep=time.sleep)
    console.print("Stopped.")


def _project(slug: str, *, create: bool) -> Project:
    """The project to import into; the default one needs no asking. Raises UnknownProject."""
    return ensure_project(slug=slug) if create or slug == DEFAULT_PROJECT else project_of(slug)


def _import(console: Console, project: Project, found: Find, *, is_quiet: bool = False) -> None:
    """Import one source's files and say what became of them; `is_quiet`: only where something was new."""
    if not is_quiet:
        console.print(found.sentence(), soft_wrap=True, markup=False)
    if not found.files:
        return
    total = sum(path.stat().st_size for path in found.files if path.exists())
    with reading(console, found.source.title, total=total) as progress:
        report = import_files(
            connection(),
            project_id=project.pk,
            source=found.source,
            files=found.files,
            host=platform.node()[:200],
            clock=lambda: datetime.now(UTC),
            progress=progress,
        )
    if report.changed or report.skipped or not is_quiet:
        for sentence in sentences(found.source, report):
            console.print(sentence, soft_wrap=True, markup=False)


def _print_days(console: Console, project: Project, *, now: datetime) -> None:
    """All days that the project holds, at most the last MAX_BUCKETS, and which models have no known price."""
    with added_up(project.pk, now=now) as (conn, missing):
        window = _whole_window(conn, project, now)
        if window is None:
            return
        days = days_of(usage_series(conn, project_id=project.pk, window=window, by="model"), window)
        unpriced = unpriced_models(conn, project_id=project.pk, window=window)
    title = f"Project {project.slug}, days in {window.zone}"
    console.print(day_table(days, title=title, breakdown=False, width=console.width))
    for _, model, calls in unpriced:
        console.print(f"No price is known for {model} ({many(calls, 'call')}).", soft_wrap=True, markup=False)
    if missing:
        console.print(missing, soft_wrap=True, markup=False)


def _whole_window(conn: Connection[Any], project: Project, now: datetime) -> Window | None:
    zone = time_zone(project.time_zone)
    start, end = local_midnight(EARLIEST, zone), now + timedelta(days=1)
    held = coverage(conn, project_id=project.pk, start=start, end=end)
    if held.first_call_at is None or held.last_call_at is None:
        return None
    first, last = (moment.astimezone(zone).date() for moment in (held.first_call_at, held.last_call_at))
    first = max(first, last - timedelta(days=MAX_BUCKETS - 1), EARLIEST)
    return by_days(first, last, zone=project.time_zone, bucket="1d")
