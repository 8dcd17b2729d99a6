"""`tloi export`: calls or rollups of a range of days as CSV or Parquet, to a file or to the next program."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.core.management import BaseCommand, CommandError

from telemetry.access.projects import UnknownProject, project_of
from telemetry.database import connection
from telemetry.exporter.columns import COLUMNS
from telemetry.exporter.exporting import TABLES, WRITERS, CannotExportNow, export
from telemetry.models import Project
from telemetry.series.window import BadWindow, Window, by_days, parse_day, time_zone

DAYS = 30


class Command(BaseCommand):
    help = (
        "Write the calls, or the rollups, of whole local days as CSV or Parquet; docs/export.md says what is in them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, of when, and where to."""
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]  # options may stand between
        parser.add_argument("what", choices=COLUMNS)
        parser.add_argument("file", nargs="?", default="-", help="a new file; - or none: standard output")
        parser.add_argument("--project", default="default", metavar="SLUG")
        parser.add_argument(
            "--from", dest="first", metavar="DATE", help=f"first local day; default: {DAYS} days up to --to"
        )
        parser.add_argument("--to", dest="last", metavar="DATE", help="last local day, inclusive; default: today")
        parser.add_argument("--tz", metavar="ZONE", help="the days' zone; default: the project's")
        parser.add_argument("--format", dest="file_format", choices=WRITERS, default="csv")
        parser.add_argument("--bucket", choices=TABLES, help="of rollups; default: 15m")

    def handle(self, *_: Any, what: Any, file: str, file_format: str, bucket: str | None, **options: Any) -> None:
        """Read and write, piece by piece."""
        now = datetime.now(UTC)
        try:
            project = project_of(options["project"])
            window = _window(options["first"], options["last"], options["tz"] or project.time_zone, now)
        except UnknownProject as error:
            raise CommandError(f"There is no project {options['project']!r}.") from error
        except BadWindow as error:
            raise CommandError(str(error)) from error
        _check_bucket(what, bucket, window, project)
        pieces = export(
            connection(),
            project_id=project.pk,
            window=window,
            what=what,
            file_format=file_format,
            bucket=bucket or "15m",
            now=now,
        )
        try:
            with closing(pieces):
                _write(pieces, file, file_format)
        except CannotExportNow as error:
            raise CommandError(str(error)) from error


def _check_bucket(what: str, bucket: str | None, window: Window, project: Project) -> None:
    """Raises CommandError."""
    if what == "calls" and bucket:
        raise CommandError("Calls have no --bucket; only rollups have.")
    if bucket == "1d" and window.zone != project.time_zone:
        raise CommandError(f"Days are kept in the project's zone, {project.time_zone}; use --bucket 15m in another.")


def _window(first: str | None, last: str | None, zone: str, now: datetime) -> Window:
    """Raises BadWindow."""
    end: date = parse_day(last) if last else now.astimezone(time_zone(zone)).date()
    return by_days(parse_day(first) if first else end - timedelta(days=DAYS - 1), end, zone=zone)


def _write(pieces: Iterable[bytes], file: str, file_format: str) -> None:
    """Raises CommandError."""
    if file != "-":
        with _new_file(Path(file)) as handle:
            handle.writelines(pieces)
        return
    if file_format == "parquet" and sys.stdout.isatty():
        raise CommandError("Parquet is not for a terminal; name a file.")
    try:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # who reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _new_file(file: Path) -> Iterator[IO[bytes]]:
    """A file that bears its name only when it is whole. Raises CommandError."""
    half = file.parent / f".{file.name}.half"
    try:
        if file.exists():
            raise CommandError(f"{file} is there already; name a new file.")
        with half.open("wb") as handle:
            yield handle
        half.rename(file)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):  # where it could not be made, it can often not be looked for either
            half.unlink()
