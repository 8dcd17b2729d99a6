"""`tloi objectives import FILE`: objectives, key results, work items and attributions from JSON or CSV."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from telemetry.access.projects import UnknownProject, project_of
from telemetry.limits import editing, objective_files, objective_import
from telemetry.limits.objective_files import BadFile

AUTHOR = "tloi objectives import"


class Command(BaseCommand):
    help = "Read objectives, key results, their values, work items and attributions from a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is read, and into which project."""
        parser.add_argument("what", choices=["import"], help="import: keep what a file says; all of it or nothing")
        parser.add_argument("file", type=Path, metavar="FILE", help="JSON or CSV: docs/objectives.md says how")
        parser.add_argument("--project", default="default", metavar="SLUG", help="default: default")
        parser.add_argument("--dry-run", action="store_true", dest="is_dry", help="only say what would change")

    def handle(self, *_: Any, **options: Any) -> None:
        """Keep the file, or say each thing that is wrong with it."""
        path: Path = options["file"]
        try:
            project = project_of(options["project"])
            sheet = objective_files.read(path.read_bytes(), file_name=path.name)
            today = editing.today_of(project, datetime.now(UTC))
            kept = objective_import.keep(sheet, project=project, by=AUTHOR, today=today, dry_run=options["is_dry"])
        except UnknownProject as error:
            raise CommandError(f"There is no project {options['project']!r}.") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except BadFile as error:
            raise CommandError(f"Nothing was kept of {path}.\n" + "\n".join(error.problems)) from error
        self.stdout.write(f"{'Would be: ' if options['is_dry'] else ''}{kept}")
