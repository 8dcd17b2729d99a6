"""`tloi observe`: judge a day, a week or a month now, and print its report."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management import BaseCommand, CommandError

from telemetry.access.projects import UnknownProject, project_of
from telemetry.database import connection
from telemetry.models import Project
from telemetry.observer.report import periods
from telemetry.observer.report.document import as_json, from_plain
from telemetry.observer.report.markdown import as_markdown
from telemetry.observer.report.observing import observe
from telemetry.observer.report.periods import BadPeriod, Kind, Period
from telemetry.series.window import time_zone

PATIENCE_S = 600.0


class Command(BaseCommand):
    help = "Judge the runs of a day, a week or a month now, make its report anew, and print it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose report, of when, and in which form."""
        parser.add_argument("--date", metavar="DATE", help="a day of it, as 2025-11-06; default: yesterday")
        parser.add_argument("--project", default="default", metavar="SLUG")
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--week", dest="kind", action="store_const", const="weekly", help="the week of that day")
        length.add_argument("--month", dest="kind", action="store_const", const="monthly", help="the month of that day")
        parser.add_argument("--format", choices=("md", "json"), default="md", help="default: md")

    def handle(self, *_: Any, **options: Any) -> None:
        """Observe and print."""
        now = datetime.now(UTC)
        try:
            project = project_of(options["project"])
            period = _period(options["date"], options["kind"], project, now)
        except UnknownProject as error:
            raise CommandError(f"There is no project {options['project']!r}.") from error
        except BadPeriod as error:
            raise CommandError(str(error)) from error
        seen = observe(connection(), project=project, period=period, now=now, patience_s=PATIENCE_S)
        if not seen.is_complete:
            self.stderr.write("Not everything could be added up in time: figures may be too small. Run this again.")
        document = from_plain(seen.plain)
        printed = as_markdown(document) if options["format"] == "md" else as_json(document).decode()
        self.stdout.write(printed, ending="")


def _period(text: str | None, kind: Kind | None, project: Project, now: datetime) -> Period:
    """The period that is asked for. Raises BadPeriod."""
    today = now.astimezone(time_zone(project.time_zone)).date()
    asked = periods.read(text) if text else periods.around(today - timedelta(days=1), kind or "daily")
    if kind and asked.kind != kind:
        if asked.kind != "daily":
            raise BadPeriod(f"{text} is no day: leave --week and --month out, or say a day of it.")
        asked = periods.around(asked.first_day, kind)
    if not asked.has_begun(project.time_zone, now):
        raise BadPeriod(f"{asked.name} has not begun yet: in {project.time_zone} it is {today}.")
    return asked
