"""`tloi retention`: which calls are older than what is kept, and, where it is told to, away with them."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from telemetry.database import connection
from telemetry.ledger import dropping
from telemetry.series import expiry


class Command(BaseCommand):
    help = (
        "Say which calls are older than what is kept (TLOI_RETENTION_DAYS, or a project's own days). Sums always stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to do it."""
        parser.add_argument(
            "--apply", action="store_true", dest="is_real", help="drop and delete them; else only say it"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Say what goes or went."""
        now = datetime.now(UTC)
        if not options["is_real"]:
            self._say_plan(expiry.plan(connection(), now=now))
            return
        try:
            self._say_done(expiry.expire(connection(), now=now))
        except (expiry.ClockAhead, expiry.Busy) as error:
            raise CommandError(str(error)) from error

    def _say_plan(self, plan: expiry.Plan) -> None:
        kept = "all calls are kept" if settings.RETENTION_DAYS is None else f"{settings.RETENTION_DAYS} days are kept"
        self.stdout.write(f"TLOI_RETENTION_DAYS: {kept}; projects may keep less.")
        for name in plan.left:
            self.stdout.write(f"partition {name}: its dropping was begun")
        for name, (calls, size) in dropping.sizes_of(connection(), plan.partitions).items():
            self.stdout.write(f"partition {name}: would be dropped, about {calls:,} calls, {size / 2**20:,.1f} MiB")
        of_their_own = [(tenant, before) for tenant, before in plan.projects if tenant.retention_days is not None]
        for tenant, before in of_their_own:
            self.stdout.write(f"project {tenant.slug}: calls before {before:%Y-%m-%d} UTC would be deleted")
        if plan.left or plan.partitions or of_their_own:
            self.stdout.write("Nothing was changed; --apply does it.")
        elif plan.projects:
            self.stdout.write("No calls would go.")
        else:
            self.stdout.write("Nothing would go.")

    def _say_done(self, done: expiry.Expired) -> None:
        for name in done.partitions:
            self.stdout.write(f"partition {name}: dropped")
        self.stdout.write(f"calls of projects that keep less: {done.calls:,} deleted")
        self.stdout.write(f"executions: {done.executions:,} deleted")
        self.stdout.write(f"readings of counters: {done.points:,} deleted")
        self.stdout.write(f"records set apart: {done.quarantined:,} deleted")
        if not done.is_done:
            self.stdout.write("Somebody still reads what is being dropped; run this again.")
        for slug in done.waiting:
            self.stdout.write(f"project {slug}: waits until its sums are made; run this again")
