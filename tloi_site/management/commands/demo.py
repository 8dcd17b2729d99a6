"""`tloi demo`: invented agents in a project of their own, to look around before connecting one's own."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.core.management import BaseCommand, CommandError

from skills import facade as skills
from telemetry import facade

MAX_DAYS = 365


class Command(BaseCommand):
    help = "Load invented data into the project `demo`, or remove it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much, or away with it."""
        parser.add_argument("--days", type=_days, default=60, help=f"1 to {MAX_DAYS} days up to today; default: 60")
        parser.add_argument("--agents", type=int, default=4, choices=range(1, facade.DEMO_AGENTS + 1))
        parser.add_argument("--remove", action="store_true", help="delete the demo project and all that is in it")

    def handle(self, *_: Any, days: int, agents: int, remove: bool, **__: Any) -> None:
        """Load or remove."""
        try:
            if remove:
                removed = facade.remove_demo()
                self.stdout.write(f"The demo is gone: {removed:,} calls.")
                return
            receipt = facade.load_demo(now=datetime.now(UTC), days=days, agents=agents)
            _shelve(datetime.now(UTC), days)
        except facade.UnknownProject as error:
            raise CommandError("There is no demo to remove.") from error
        except facade.NotADemo as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Project demo: {receipt.accepted:,} invented calls and runs are new, {receipt.duplicates:,} were there;"
            " `tloi demo --remove` deletes them."
        )


def _shelve(now: datetime, days: int) -> None:
    """The skills that there are have been there since the demo's first day, else they would all be new in it."""
    project_id = next(project.id for project in facade.list_projects() if project.slug == facade.DEMO)
    since = datetime.combine((now - timedelta(days=days - 1)).date(), time(), UTC)
    skills.shelve(project_id, since=since)


def _days(text: str) -> int:
    """Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_DAYS:
        raise ArgumentTypeError(f"{text!r} is not a number of days from 1 to {MAX_DAYS}")
    return int(text)
