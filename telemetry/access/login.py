"""One-time login links: how a person comes in where no password exists."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from telemetry.models import LoginLink

VALID_FOR = timedelta(minutes=15)


class BadLoginLink(PermissionError):
    """The link is unknown, used or too old."""


def make_login_link(*, user_id: int, now: datetime) -> str:
    """A token that logs `user_id` in once within 15 minutes; old links are swept."""
    LoginLink.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    token = secrets.token_urlsafe(32)
    LoginLink.objects.create(user_id=user_id, digest=_digest(token), expires_at=now + VALID_FOR)
    return token


def use_login_link(token: str, *, now: datetime) -> int:
    """The id of the person whom `token` logs in. Of many who use it at once, one succeeds. Raises BadLoginLink."""
    links = LoginLink.objects.filter(digest=_digest(token), used_at=None, expires_at__gt=now)
    if links.update(used_at=now) != 1:
        raise BadLoginLink("This login link was used already or is older than 15 minutes; `tloi login-link` makes one.")
    return LoginLink.objects.values_list("user_id", flat=True).get(digest=_digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
