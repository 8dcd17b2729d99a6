"""`tloi distribute`: projects become shards on the servers of a Citus cluster."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any
from urllib.parse import urlsplit

from django.core.management import BaseCommand, CommandError

from telemetry.database import connection
from telemetry.ledger.sharding import SHARDS, Address, CannotShard, distribute, form_cluster, shard_nodes

MOST_SHARDS = 1_000
_POSTGRES_PORT = 5432


class Command(BaseCommand):
    help = "Spread projects over the servers of a Citus cluster. May be run again: what is done stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Over which servers, and how fine."""
        parser.add_argument(
            "--coordinator",
            type=_address,
            metavar="HOST[:PORT]",
            help="where the workers find the server of DATABASE_URL; goes with --worker",
        )
        parser.add_argument(
            "--worker",
            type=_address,
            action="append",
            default=[],
            dest="workers",
            metavar="HOST[:PORT]",
            help="a server that is to hold shards, once for each; it has a database of the same name and account",
        )
        parser.add_argument(
            "--shards",
            type=_shards,
            default=SHARDS,
            metavar="N",
            help=f"into how many shards, each of which one server holds (default {SHARDS}); counts the first time only",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Form the cluster where that is asked for, cut each table, and say so."""
        conn = connection()
        if bool(options["coordinator"]) != bool(options["workers"]):
            raise CommandError("--coordinator and --worker go together: each must find the other.")
        try:
            if options["workers"]:
                form_cluster(conn, coordinator=options["coordinator"], workers=options["workers"])
            for table, is_new in distribute(conn, shards=options["shards"]):
                self.stdout.write(f"{table}: {'now in shards' if is_new else 'in shards already'}")
        except CannotShard as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Projects lie on {', '.join(shard_nodes(conn))}; all other tables on this server.")


def _address(text: str) -> Address:
    """Raises ArgumentTypeError."""
    parts = urlsplit(f"//{text}")
    try:
        host, port = parts.hostname, parts.port or _POSTGRES_PORT
    except ValueError:
        host = None
    if not host or parts.netloc != text or parts.username is not None:
        raise ArgumentTypeError(f"{text!r} is not an address such as db1.example.org or db1.example.org:5433")
    return host, port


def _shards(text: str) -> int:
    """Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SHARDS:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_SHARDS}")
    return int(text)
