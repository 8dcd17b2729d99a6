"""API keys: `tloi_<8>_<43>`. The secret has 256 bits, so its SHA-256 needs no slow hash; only that is stored."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError
from psycopg import Connection
from psycopg.rows import class_row

from telemetry.database import connection
from telemetry.models import ApiKey, Project
from telemetry.statements import prepared, statement

_SHAPE = re.compile(r"tloi_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", re.ASCII)
_ALPHABET = string.ascii_lowercase + string.digits
_NO_DIGEST = bytes(32)
_LAST_USED_STEP = timedelta(minutes=1)


class BadKey(PermissionError):
    """The key is unknown, revoked or expired; the text never says which secret came near."""


class BadScope(ValueError):
    """A scope that does not exist."""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who a working key speaks for."""

    key_id: int
    project_id: int
    project_slug: str
    time_zone: str
    scopes: frozenset[str]
    keep_content: bool
    session_type: str = ""


def create_key(project: Project, *, name: str, scopes: Sequence[str], expires_at: datetime | None = None) -> str:
    """Make a key and return it; it is never shown again. Raises BadScope."""
    unknown = [scope for scope in scopes if scope not in ApiKey.Scope.values]
    if unknown or not scopes:
        raise BadScope(f"Scopes are {', '.join(ApiKey.Scope.values)}; got {', '.join(unknown) or 'none'}.")
    return complete(ApiKey(project=project, name=name, scopes=sorted(set(scopes)), expires_at=expires_at))


def complete(key: ApiKey) -> str:
    """Give a new key its prefix and secret, save it, and return it in plain."""
    key.prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    plain = f"tloi_{key.prefix}_{secrets.token_urlsafe(32)}"
    key.digest = _digest(plain)
    key.save()
    return plain


def authenticate(plain: str, *, now: datetime) -> KeyHolder:
    """Whom `plain` speaks for. One indexed look-up, one comparison in constant time. Raises BadKey."""
    if not _SHAPE.fullmatch(plain):
        raise BadKey("This is not an API key of TLOI; keys look like tloi_xxxxxxxx_….")
    key = key_of_prefix(connection(), prefix=plain[5:13])
    stored = bytes(key.digest) if key else _NO_DIGEST
    if not hmac.compare_digest(stored, _digest(plain)) or key is None:
        raise BadKey("This API key is not known here.")
    if state(key, now=now) != "active":
        raise BadKey(f"This API key is {state(key, now=now)}.")
    if key.last_used_at is None or now - key.last_used_at > _LAST_USED_STEP:
        with contextlib.suppress(OperationalError):  # a full disk, say, is no reason to refuse a question
            ApiKey.objects.filter(pk=key.id).update(last_used_at=now)
    return KeyHolder(
        key_id=key.id,
        project_id=key.project_id,
        project_slug=key.slug,
        time_zone=key.time_zone,
        scopes=frozenset(key.scopes),
        keep_content=key.keep_content,
        session_type=key.session_type,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A key as `key_of_prefix.sql` finds it."""

    id: int
    digest: bytes
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    session_type: str
    project_id: int
    slug: str
    time_zone: str
    keep_content: bool


def key_of_prefix(conn: Connection[Any], *, prefix: str) -> _Found | None:
    """The key of a prefix, or None. Asked for by every request, so without Django's layer over SQL."""
    with prepared(conn, class_row(_Found)) as cursor:
        return cursor.execute(statement(__package__, "key_of_prefix"), {"prefix": prefix}).fetchone()


def state(key: ApiKey | _Found, *, now: datetime) -> str:
    """active, revoked or expired."""
    if key.revoked_at is not None and key.revoked_at <= now:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


def revoke_key(prefix: str, *, now: datetime) -> bool:
    """Revoke the key of that prefix at once, everywhere; False where none is in use."""
    return ApiKey.objects.filter(prefix=prefix, revoked_at=None).update(revoked_at=now) == 1


def _digest(plain: str) -> bytes:
    return hashlib.sha256(plain.encode()).digest()
