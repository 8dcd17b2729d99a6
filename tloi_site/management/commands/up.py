"""`tloi up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from telemetry import facade
from tloi_site import assets
from tloi_site.embedded import servers, site
from tloi_site.embedded.private_files import write_private
from tloi_site.embedded.sharing import Owner
from tloi_site.embedded.supervisor import Supervisor

PROJECT = "default"
SCOPES = ("ingest", "read")
WEB_PATIENCE_S = 60.0

READY = """
  TLOI is ready.

  Pages     {address}
  Log in    {address}/login/?token={token}
            once, within 15 minutes; `tloi login-link` makes another
  API key   {key}
            sends to and reads from the project `{project}`
  Import    make import
            in another terminal: reads what this machine's own agents recorded

  Ctrl-C stops everything. Data and logs: {data_dir}
"""


class Command(BaseCommand):
    help = "Start TLOI on this machine, with a private server for each address that is not set; Ctrl-C stops it."
    requires_system_checks = ()

    supervisor: Supervisor | None = None  # both set by `tloi_site.cli`, which started the servers
    owner: Owner | None = None

    def handle(self, *_: Any, **__: Any) -> None:
        """Set up what a first start needs, start the site, say where it is, and watch."""
        if self.supervisor is None or self.owner is None:
            raise CommandError("`up` starts the servers that Django needs, so it runs only as `tloi up`.")
        data_dir = self.owner.data_dir
        call_command("migrate", interactive=False, verbosity=0)
        assets.collect()
        facade.ensure_partitions(now=datetime.now(UTC))
        facade.ensure_project(slug=PROJECT, name="Default")
        token = facade.make_login_link(user_id=facade.ensure_owner(), now=datetime.now(UTC))
        key = _key(data_dir / "default-key")
        # The supervisor stays for days and asks the database nothing.
        connections.close_all()
        cast(DatabaseWrapper, connections["default"]).close_pool()
        self.supervisor.start(site.web(data_dir), patience_s=WEB_PATIENCE_S)
        for process in (site.worker(data_dir), site.beat(data_dir)):
            self.supervisor.start(process, wait=False)
        self.owner.publish(servers.addresses(), web=site.address())
        self.stdout.write(
            READY.format(address=site.address(), token=token, key=key, project=PROJECT, data_dir=data_dir)
        )
        self.stdout.flush()
        self.supervisor.watch()


def _key(file: Path) -> str:
    """The key made at the first start, as long as it works; else a new one."""
    now = datetime.now(UTC)
    if file.exists() and facade.key_works(kept := file.read_text().strip(), now=now):
        return kept
    key = facade.create_key(project_slug=PROJECT, name="made by tloi up", scopes=SCOPES)
    write_private(file, key)
    return key
