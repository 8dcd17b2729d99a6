"""What a project without calls shows: two ways to send them, with this server's address and a working key filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from telemetry.access import keys
from telemetry.dashboards import sourcecards
from telemetry.models import ApiKey, Membership, Project

KEY_PLACE = "YOUR_KEY"


@dataclass(frozen=True, slots=True)
class Start:
    """What the snippets need; `key` is empty where none may be shown."""

    address: str
    gateway: str
    project: Project
    key: str
    may_make_key: bool
    sent_at: str

    @property
    def curl(self) -> str:
        """A command that sends one call."""
        return self.filled_in(sourcecards.CURL.snippets[0].words)

    @property
    def command(self) -> str:
        """A command that imports what this machine's agents wrote."""
        return self.filled_in(sourcecards.LOCAL_FILES.snippets[0].words)

    def filled_in(self, words: str) -> str:
        """A snippet with what it needs in its places; KEY_PLACE where no key may be shown."""
        return sourcecards.filled_in(
            words,
            address=self.address,
            gateway=self.gateway,
            key=self.key or KEY_PLACE,
            project=self.project.slug,
            moment=self.sent_at,
        )


def start(request: HttpRequest, membership: Membership, *, now: datetime, key: str = "") -> Start:
    """The snippets of a member's project. A key is filled in for its owner only."""
    owner = membership.role == Membership.Role.OWNER
    address = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    return Start(
        address=address,
        gateway=gateway_beside(address),
        project=membership.project,
        key=key or (_default_key(membership.project, now) if owner else ""),
        may_make_key=owner,
        sent_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
    )


def gateway_beside(address: str) -> str:
    """Where the gateway is for who finds this server at `address`: at a port of its own, or behind the same proxy, for
    there is one where the address names no port."""
    found = urlsplit(address)
    if found.port is None:
        return address
    return f"{found.scheme}://{found.netloc.rpartition(':')[0]}:{settings.GATEWAY_PORT}"


def _default_key(project: Project, now: datetime) -> str:
    """The key that the first start left in the data folder, where it is this project's and still works."""
    kept = settings.DATA_DIR / "default-key"
    try:
        plain = kept.read_text().strip()
    except OSError:
        return ""
    key = ApiKey.objects.filter(project=project, prefix=plain[5:13]).first()
    return plain if key and keys.state(key, now=now) == "active" and ApiKey.Scope.INGEST in key.scopes else ""
