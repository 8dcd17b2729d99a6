"""`tloi key`: make, list and revoke API keys."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management import BaseCommand, CommandError

from telemetry import facade


class Command(BaseCommand):
    help = "Make, list and revoke API keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Three verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a key and print it, this once, alone on the last line")
        create.add_argument("name", help="what the key is for")
        create.add_argument("--project", default="default", metavar="SLUG")
        create.add_argument("--create-project", action="store_true", help="make the project where it is missing")
        create.add_argument("--scope", action="append", metavar="SCOPE", help="ingest, read, gateway or admin")
        create.add_argument("--expires", type=_instant, metavar="TIME", help="ISO 8601 with a zone; default: never")
        listing = verbs.add_parser("list", help="list keys without their secrets")
        listing.add_argument("--project", metavar="SLUG")
        revoke = verbs.add_parser("revoke", help="revoke a key at once")
        revoke.add_argument("prefix", help="the 8 characters after tloi_")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Run one verb."""
        try:
            {"create": self._create, "list": self._list, "revoke": self._revoke}[verb](options)
        except (facade.UnknownProject, facade.BadScope) as error:
            raise CommandError(str(error)) from error

    def _create(self, options: dict[str, Any]) -> None:
        if options["create_project"]:
            facade.ensure_project(slug=options["project"])
        key = facade.create_key(
            project_slug=options["project"],
            name=options["name"],
            scopes=options["scope"] or ("ingest", "read"),
            expires_at=options["expires"],
        )
        self.stdout.write(key)

    def _list(self, options: dict[str, Any]) -> None:
        for key in facade.list_keys(project_slug=options["project"], now=datetime.now(UTC)):
            used = f"{key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never"
            self.stdout.write(
                f"{key.prefix}  {key.state:<8} {key.project:<20} {','.join(key.scopes):<20} used {used:<21} {key.name}"
            )

    def _revoke(self, options: dict[str, Any]) -> None:
        prefix = options["prefix"].removeprefix("tloi_")[:8]
        if not facade.revoke_key(prefix, now=datetime.now(UTC)):
            raise CommandError(f"No key in use begins with tloi_{prefix}; `tloi key list` shows them.")
        self.stdout.write(f"tloi_{prefix} is revoked.")


def _instant(text: str) -> datetime:
    """Raises ValueError, which argparse turns into a usage error."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return moment
