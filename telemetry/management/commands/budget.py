"""`tloi budget`: how budgets stand, whether one is used up, and writing them."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from telemetry.access.projects import UnknownProject, project_of
from telemetry.importer import budgets
from telemetry.limits import writing
from telemetry.limits.standing import outlook
from telemetry.limits.telling import outlook_as_plain
from telemetry.management.added_up import added_up
from telemetry.models import Project


class Command(BaseCommand):
    help = "Show budgets, end with 2 where one is used up, or write one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and with which budgets."""
        budgets.add_words(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Read or write, and print."""
        try:
            project = project_of(options["project"])
        except UnknownProject as error:
            raise CommandError(f"There is no project {options['project']!r} yet.") from error
        said = self._write(project, options) if options["deed"] == "set" else self._read(project)
        code, text = budgets.answer(said, options)
        self.stdout.write(text)
        if code:
            raise SystemExit(code)

    def _read(self, project: Project) -> dict[str, Any]:
        now = datetime.now(UTC)
        with added_up(project.pk, now=now) as (conn, missing):
            found = outlook(conn, project_id=project.pk, zone=project.time_zone, now=now)
        if missing:
            self.stderr.write(missing)
        return outlook_as_plain(found)

    def _write(self, project: Project, options: dict[str, Any]) -> dict[str, Any]:
        kind = {name: options[name] for name in writing.KIND}
        try:
            budget, _ = writing.write(
                project_id=project.pk,
                kind=kind,
                amount=options["amount"],
                mode=options["mode"],
                is_enabled=not options["off"],
            )
        except ValidationError as error:
            raise CommandError(writing.reasons(error)) from error
        return writing.as_plain(budget)
