"""`tloi reprice`: computed costs anew, by today's prices and overrides, and what that changes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telemetry.access.projects import UnknownProject, project_of
from telemetry.database import connection
from telemetry.ledger.repricing import Report, Repriced, reprice
from telemetry.management.terminal import console_on
from telemetry.models import Project
from telemetry.series.window import BadWindow, Window, by_days, parse_day
from telemetry.usage import usd


class Command(BaseCommand):
    help = "Compute costs anew, by today's price table and overrides and each call's own date. Reported costs stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which calls."""
        parser.add_argument("--from", required=True, dest="first", metavar="DATE", help="first local day")
        parser.add_argument("--to", required=True, dest="last", metavar="DATE", help="last local day, inclusive")
        parser.add_argument("--project", metavar="SLUG", help="default: every project, each in its own time zone")
        parser.add_argument("--model", default="", metavar="NAME", help="one model; gpt-5*: whose names begin so")
        parser.add_argument("--dry-run", action="store_true", dest="is_dry", help="only say what would change")

    def handle(self, *_: Any, **options: Any) -> None:
        """Price each project's days and say what changed."""
        try:
            projects = [project_of(options["project"])] if options["project"] else list(Project.objects.all())
            windows = [(project, _window(options, project)) for project in projects]
        except UnknownProject as error:
            raise CommandError(f"There is no project {options['project']!r}.") from error
        except BadWindow as error:
            raise CommandError(str(error)) from error
        console = console_on(self.stdout)
        for project, window in windows:
            report = Report()
            for _day, of_day in reprice(
                connection(),
                project_id=project.pk,
                start=window.start,
                end=window.end,
                model=options["model"],
                dry_run=options["is_dry"],
            ):
                report.add(of_day)
            _print(
                console, report, f"Project {project.slug}, {window.first_day} to {window.last_day}", options["is_dry"]
            )


def _window(options: dict[str, Any], project: Project) -> Window:
    """Raises BadWindow."""
    return by_days(parse_day(options["first"]), parse_day(options["last"]), zone=project.time_zone, bucket="1w")


def _print(console: Console, report: Report, title: str, is_dry: bool) -> None:
    """The table of what changed by model, and sentences for what has no place in it."""
    changed = sum(model.calls for model in report.models.values())
    if changed:
        console.print(_table(report, title))
    would = "would change" if is_dry else "changed"
    said = f"the cost of {changed:,} {would}" if changed else f"nothing {would}"
    console.print(
        f"{title}: {report.seen:,} {'call' if report.seen == 1 else 'calls'} looked at, {said}.",
        soft_wrap=True,
        markup=False,
    )
    if report.renamed:
        named = "would be named" if is_dry else "are now named"
        console.print(f"{report.renamed:,} calls cost the same and {named} after the price in use.", soft_wrap=True)
    if reported := sum(model.reported for model in report.models.values()):
        console.print(f"{reported:,} of them show the cost that somebody reported, which stays.", soft_wrap=True)
    if report.held:
        console.print(f"{report.held:,} calls were being written all the time: run this again.", soft_wrap=True)


def _table(report: Report, title: str) -> Table:
    """One row a model, the largest difference first."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Model", overflow="fold")
    for heading in ("Calls", "Before", "After", "Difference"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = sorted(report.models.items(), key=lambda row: (-abs(row[1].after_nanousd - row[1].before_nanousd), row[0]))
    for name, model in rows:
        difference = model.after_nanousd - model.before_nanousd
        table.add_row(
            Text(name),
            f"{model.calls:,}",
            _cost(model, model.before_nanousd, model.had_none),
            _cost(model, model.after_nanousd, model.have_none),
            f"{'-' if difference < 0 else '+'}${usd(abs(difference))}",
        )
    return table


def _cost(model: Repriced, nanousd: int, unpriced: int) -> str:
    """Dollars; calls without a price are named, never shown as 0."""
    if unpriced == model.calls:
        return "unpriced"
    return f"${usd(nanousd)}" + (f" + {unpriced:,} unpriced" if unpriced else "")
