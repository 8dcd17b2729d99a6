"""`tloi import`: read what agents have written on this machine, then show it by day."""

from __future__ import annotations

import os
import platform
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from rich.console import Console

from telemetry.access.projects import UnknownProject, ensure_project, project_of
from telemetry.database import connection
from telemetry.importer.bookmarks import path_key
from telemetry.importer.files import MissingPath, files_of
from telemetry.importer.importing import Report, import_files
from telemetry.importer.registry import LOCAL_SOURCES, LocalSource
from telemetry.management.day_table import day_table, days_of
from telemetry.management.terminal import console_on, reading
from telemetry.models import Project
from telemetry.series.queries import coverage, unpriced_models, usage_series
from telemetry.series.window import EARLIEST, MAX_BUCKETS, Window, by_days, local_midnight, time_zone

DEFAULT_PROJECT = "default"
_SOURCES = {source.name: source for source in LOCAL_SOURCES}


class Command(BaseCommand):
    help = "Import what agents have written on this machine. Running it again reads only what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to read, and into which project."""
        parser.add_argument("source", nargs="?", choices=sorted(_SOURCES), help="whose files to read")
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files and folders; default: the usual")
        parser.add_argument("--all", action="store_true", dest="is_all", help="every agent's usual folders")
        parser.add_argument("--project", default=DEFAULT_PROJECT, metavar="SLUG")
        parser.add_argument("--create-project", action="store_true", help="make the project where it is missing")

    def handle(self, *_: Any, **options: Any) -> None:
        """Import one source or all, then print the project's days."""
        if options["is_all"] == bool(options["source"]):
            raise CommandError(f"Say whose files to read ({', '.join(sorted(_SOURCES))}), or --all.")
        sources = LOCAL_SOURCES if options["is_all"] else (_SOURCES[options["source"]],)
        try:
            finds = [_find(source, options["paths"]) for source in sources]
            project = _project(options["project"], create=options["create_project"])
        except (MissingPath, UnknownProject) as error:
            raise CommandError(str(error)) from error
        console = console_on(self.stdout)
        for find in finds:
            if find.files:
                _print_report(console, find.source, _import(console, project, find))
            else:
                console.print(_nothing_found(find), soft_wrap=True, markup=False)
        if any(find.files for find in finds):
            _print_days(console, project, now=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class _Find:
    """The files of a source, and where they were looked for."""

    source: LocalSource
    places: tuple[Path, ...]
    files: tuple[Path, ...]


def _find(source: LocalSource, named: Sequence[Path]) -> _Find:
    """A usual folder may be missing; what was named may not. Raises MissingPath."""
    usual = source.folders(os.environ, Path.home())
    places = named or [folder for folder in usual if folder.is_dir()]
    return _Find(source, tuple(named or usual), tuple(files_of(source, places)))


def _project(slug: str, *, create: bool) -> Project:
    """The project to import into; the default one needs no asking. Raises UnknownProject."""
    return ensure_project(slug=slug) if create or slug == DEFAULT_PROJECT else project_of(slug)


def _nothing_found(find: _Find) -> str:
    places = ", ".join(map(path_key, find.places))
    return (
        f"No files of {find.source.title} in {places}. {find.source.variable} changes the usual"
        f" folders, or name others: tloi import {find.source.name} PATH"
    )


def _import(console: Console, project: Project, find: _Find) -> Report:
    total = sum(path.stat().st_size for path in find.files if path.exists())
    with reading(console, find.source.title, total=total) as progress:
        return import_files(
            connection(),
            project_id=project.pk,
            source=find.source,
            files=find.files,
            host=platform.node()[:200],
            clock=lambda: datetime.now(UTC),
            progress=progress,
        )


def _print_report(console: Console, source: LocalSource, report: Report) -> None:
    """Each file that was not read whole, why, and last the sums."""
    for path, reason in report.skipped.items():
        console.print(f"{path_key(path)}: not read: {reason}", soft_wrap=True, markup=False)
    for path, reasons in report.unreadable.items():
        for reason, lines in reasons.most_common():
            console.print(f"{path_key(path)}: {lines:,} unreadable: {reason}", soft_wrap=True, markup=False)
    unreadable = sum(sum(reasons.values()) for reasons in report.unreadable.values())
    console.print(
        f"{_many(report.new + report.known, 'call')} ({report.new:,} new, {report.known:,} known),"
        f" {_many(report.files, 'file')}, {_many(unreadable, 'unreadable line')}, {report.quarantined:,} quarantined",
        soft_wrap=True,
    )
    if not report.changed_files:
        console.print(f"Nothing in the files of {source.title} has changed since they were imported.", soft_wrap=True)


def _print_days(console: Console, project: Project, *, now: datetime) -> None:
    """All days that the project holds, at most the last MAX_BUCKETS, and which models have no known price."""
    window = _whole_window(project, now)
    if window is None:
        return
    days = days_of(usage_series(connection(), project_id=project.pk, window=window, by="model"), window)
    title = f"Project {project.slug}, days in {window.zone}"
    console.print(day_table(days, title=title, breakdown=False, width=console.width))
    for _, model, calls in unpriced_models(connection(), project_id=project.pk, window=window):
        console.print(f"No price is known for {model} ({_many(calls, 'call')}).", soft_wrap=True, markup=False)


def _whole_window(project: Project, now: datetime) -> Window | None:
    zone = time_zone(project.time_zone)
    start, end = local_midnight(EARLIEST, zone), now + timedelta(days=1)
    held = coverage(connection(), project_id=project.pk, start=start, end=end)
    if held.first_call_at is None or held.last_call_at is None:
        return None
    first, last = (moment.astimezone(zone).date() for moment in (held.first_call_at, held.last_call_at))
    first = max(first, last - timedelta(days=MAX_BUCKETS - 1), EARLIEST)
    return by_days(first, last, zone=project.time_zone, bucket="1d")


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
