"""Projects, who speaks for them, and what is sealed for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from telemetry.access import keys, login, projects, sealing
from telemetry.access.keys import BadKey, KeyHolder
from telemetry.access.ratelimit import limiter
from telemetry.models import ApiKey


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project as others see it."""

    id: int
    slug: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key without its secret. `state` is active, revoked or expired."""

    id: int
    prefix: str
    name: str
    project: str
    scopes: tuple[str, ...]
    state: str
    last_used_at: datetime | None


def ensure_project(*, slug: str, name: str = "", time_zone: str = "UTC") -> ProjectInfo:
    """The project `slug`, made where it is missing."""
    project = projects.ensure_project(slug=slug, name=name, time_zone=time_zone)
    return ProjectInfo(project.pk, project.slug, project.name, project.time_zone)


def list_projects() -> list[ProjectInfo]:
    """All projects, by slug."""
    found = projects.every_project()
    return [ProjectInfo(project.pk, project.slug, project.name, project.time_zone) for project in found]


def ensure_owner() -> int:
    """The id of the superuser `owner`, who has no password and owns every project."""
    return projects.ensure_owner()


def create_key(*, project_slug: str, name: str, scopes: Sequence[str], expires_at: datetime | None = None) -> str:
    """A new API key, shown only now. Raises UnknownProject, BadScope."""
    return keys.create_key(projects.project_of(project_slug), name=name, scopes=scopes, expires_at=expires_at)


def key_works(plain: str, *, scopes: Sequence[str] = (), now: datetime) -> bool:
    """Whether an API key is known, not revoked and not expired, and has these scopes."""
    try:
        return keys.authenticate(plain, now=now).scopes.issuperset(scopes)
    except BadKey:
        return False


def authenticate(plain: str, *, now: datetime) -> KeyHolder:
    """Whom an API key speaks for. Raises BadKey."""
    return keys.authenticate(plain, now=now)


def admit(key_id: int, *, requests: int, now: datetime) -> None:
    """Count so many requests of a key in this minute, with those that it sends elsewhere. Raises TooManyRequests, where
    they are counted all the same."""
    limiter().admit(f"key:{key_id}", limit=settings.RATE_LIMIT_PER_MINUTE, now=now, requests=requests)


def list_keys(*, project_slug: str | None, now: datetime) -> list[KeyInfo]:
    """The keys of a project, or all. Raises UnknownProject."""
    found = ApiKey.objects.select_related("project")
    if project_slug:
        found = found.filter(project=projects.project_of(project_slug))
    return [
        KeyInfo(
            key.pk,
            key.prefix,
            key.name,
            key.project.slug,
            tuple(key.scopes),
            keys.state(key, now=now),
            key.last_used_at,
        )
        for key in found
    ]


def revoke_key(prefix: str, *, now: datetime) -> bool:
    """Revoke the key of that prefix everywhere at once; False where none is in use."""
    return keys.revoke_key(prefix, now=now)


def seal_key(plain: str) -> str:
    """The key of a model provider as it is stored: sealed under SECRET_KEY; empty stays empty."""
    return sealing.seal(plain, purpose="providers")


def unseal_key(sealed: str) -> str:
    """The key itself. Raises Lost where it was sealed under another SECRET_KEY."""
    return sealing.unseal(sealed, purpose="providers")


def sealed_ending(sealed: str) -> str:
    """How a sealed key ends, which is all that a page shows of it. Raises Lost."""
    return sealing.ending(sealed, purpose="providers")


def make_login_link(*, user_id: int, now: datetime) -> str:
    """A token for `/login/?token=…` that logs a person in once within 15 minutes."""
    return login.make_login_link(user_id=user_id, now=now)
