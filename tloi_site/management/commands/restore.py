"""`tloi restore FILE`: the database as it was when `tloi backup` wrote the file."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, call_command
from django.db.migrations.loader import MigrationLoader

from tloi_site.backup import BackupError, database, restoring


class Command(BaseCommand):
    help = "Restore what `tloi backup` wrote. The site must be stopped; what fails leaves everything as it was."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, and whether data may go."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="also where the database holds data, which is then gone"
        )

    def handle(self, *_: Any, file: Path, replace: bool, **__: Any) -> None:
        """Restore, prove that it is the same, and bring it up to this TLOI."""
        database.leave()
        try:
            manifest = restoring.restore(
                database.configured(),
                file.absolute(),
                replace=replace,
                known={f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or ()},
                migrate=_migrate,
                say=self.stdout.write,
                now=datetime.now(UTC),
            )
        except BackupError as error:
            raise CommandError(str(error)) from error
        calls = manifest.tables["telemetry_call"]["rows"]
        self.stdout.write(f"Restored: {calls:,} calls, {manifest.rows:,} rows in all, each table as it was backed up.")


def _migrate() -> None:
    """Bring the restored database up to this TLOI, and leave it."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        database.leave()
