"""`tloi up`, as far as it needs Django: what a start needs is set up. The rest of it is `tloi_site.up`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from telemetry import facade
from tloi_site import assets
from tloi_site.embedded.private_files import write_private

PROJECT = "default"
SCOPES = ("ingest", "read", "gateway")


class Command(BaseCommand):
    help = "Start TLOI on this machine, with a private server for each address that is not set; Ctrl-C stops it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What `tloi_site.up` asks of it."""
        parser.add_argument(
            "--prepare",
            action="store_true",
            help="only set up what a start needs, on servers that run, and print a login token and an API key",
        )

    def handle(self, *_: Any, prepare: bool, **__: Any) -> None:
        """Migrate, collect, make what is missing, and print token, key and project as JSON."""
        if not prepare:
            raise CommandError("`tloi up` takes no options; docs/configuration.md says what you may set.")
        call_command("migrate", interactive=False, verbosity=0)
        assets.collect()
        facade.ensure_partitions(now=datetime.now(UTC))
        facade.ensure_project(slug=PROJECT, name="Default")
        token = facade.make_login_link(user_id=facade.ensure_owner(), now=datetime.now(UTC))
        key = _key(settings.DATA_DIR / "default-key")
        self.stdout.write(json.dumps({"token": token, "key": key, "project": PROJECT}))


def _key(file: Path) -> str:
    """The key made at the first start, as long as it works and may do all that; else a new one."""
    now = datetime.now(UTC)
    if file.exists() and facade.key_works(kept := file.read_text().strip(), scopes=SCOPES, now=now):
        return kept
    key = facade.create_key(project_slug=PROJECT, name="made by tloi up", scopes=SCOPES)
    write_private(file, key)
    return key
