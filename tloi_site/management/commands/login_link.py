"""`tloi login-link`: an address that logs the owner in once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management import BaseCommand

from telemetry import facade
from tloi_site import env
from tloi_site.embedded import sharing, site


class Command(BaseCommand):
    help = "Print an address that logs the owner in once, within 15 minutes."

    def handle(self, *_: Any, **__: Any) -> None:
        """The address of a running `tloi up` in this data folder, else the one that the settings give."""
        token = facade.make_login_link(user_id=facade.ensure_owner(), now=datetime.now(UTC))
        running = sharing.running(env.data_dir())
        address = running.web if running and running.web else site.address()
        self.stdout.write(f"{address}/login/?token={token}")
