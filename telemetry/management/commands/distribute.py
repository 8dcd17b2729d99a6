"""`tloi distribute`: projects become shards on the servers of a Citus cluster."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from telemetry.database import connection
from telemetry.ledger.sharding import SHARDS, CannotShard, distribute, shard_nodes


class Command(BaseCommand):
    help = "Spread projects over the servers of a Citus cluster. May be run again: what is done stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How fine."""
        parser.add_argument(
            "--shards",
            type=int,
            default=SHARDS,
            metavar="N",
            help=f"into how many shards, each of which one server holds (default {SHARDS}); counts the first time only",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Cut each table, and say so."""
        if not 1 <= options["shards"] <= 1_000:
            raise CommandError("--shards must be a whole number from 1 to 1000.")
        conn = connection()
        try:
            for table, is_new in distribute(conn, shards=options["shards"]):
                self.stdout.write(f"{table}: {'now in shards' if is_new else 'is in shards already'}")
        except CannotShard as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Projects lie on {', '.join(shard_nodes(conn))}; all other tables on this server.")
