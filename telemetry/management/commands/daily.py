"""`tloi daily`: tokens and cost by day, as the pages and the API count them."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from django.core.management import BaseCommand, CommandError

from telemetry.access.projects import UnknownProject, project_of
from telemetry.management.added_up import added_up
from telemetry.management.day_table import as_json, day_table, days_of
from telemetry.management.terminal import console_on
from telemetry.series.queries import usage_series
from telemetry.series.window import BadWindow, Window, by_days, parse_day, time_zone

DAYS_SHOWN = 30


class Command(BaseCommand):
    help = "Show tokens and cost by day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The range, the zone and the form."""
        parser.add_argument("--project", default="default", metavar="SLUG")
        parser.add_argument("--since", metavar="DATE", help=f"first day; default: {DAYS_SHOWN} days up to the last")
        parser.add_argument("--until", metavar="DATE", help="last day, inclusive; default: today")
        parser.add_argument("--timezone", metavar="ZONE", help="cut days in this zone instead of the project's")
        parser.add_argument("--breakdown", action="store_true", help="one line for each model of a day")
        parser.add_argument("--json", action="store_true", dest="is_json", help="exact figures for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        """Read the days and print them."""
        now = datetime.now(UTC)
        try:
            project = project_of(options["project"])
            zone = options["timezone"] or project.time_zone
            window = _window(options["since"], options["until"], zone, now)
        except UnknownProject as error:
            raise CommandError(f"There is no project {options['project']!r} yet.") from error
        except BadWindow as error:
            raise CommandError(str(error)) from error
        with added_up(project.pk, now=now) as (conn, missing):
            points = usage_series(conn, project_id=project.pk, window=window, by="model")
        days = days_of(points, window)
        if options["is_json"]:
            self.stdout.write(msgspec.json.encode(as_json(days, window, breakdown=options["breakdown"])).decode())
            if missing:
                self.stderr.write(missing)
            return
        console = console_on(self.stdout)
        title = f"Project {project.slug}, {window.first_day} to {window.last_day}, days in {zone}"
        console.print(day_table(days, title=title, breakdown=options["breakdown"], width=console.width))
        if missing:
            console.print(missing, soft_wrap=True, markup=False)


def _window(since: str | None, until: str | None, zone: str, now: datetime) -> Window:
    """Raises BadWindow."""
    last = parse_day(until) if until else now.astimezone(time_zone(zone)).date()
    first: date = parse_day(since) if since else last - timedelta(days=DAYS_SHOWN - 1)
    return by_days(first, last, zone=zone, bucket="1d")
