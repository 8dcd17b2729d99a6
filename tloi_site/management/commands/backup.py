"""`tloi backup FILE`: everything that TLOI holds, in one file, while it runs."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from tloi_site.backup import BackupError, database, taking


class Command(BaseCommand):
    help = "Write all data into a new file, consistent while calls come in; `tloi restore` brings it back."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, help="a new file, which only you may read")

    def handle(self, *_: Any, file: Path, **__: Any) -> None:
        """Back up and say what the file holds."""
        try:
            manifest = taking.back_up(database.configured(), file.absolute(), now=datetime.now(UTC))
        except BackupError as error:
            raise CommandError(str(error)) from error
        calls = manifest.tables["telemetry_call"]["rows"]
        self.stdout.write(
            f"{file}: {file.stat().st_size:,} bytes with {calls:,} calls, {manifest.rows:,} rows in all. "
            "The key in the data folder that signs sessions is not in it."
        )
