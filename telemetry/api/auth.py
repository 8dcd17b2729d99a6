"""Who calls: `Authorization: Bearer KEY`. The project comes from the key alone, never from the request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from telemetry.access.keys import KeyHolder, authenticate
from telemetry.access.ratelimit import limiter

if TYPE_CHECKING:  # rest_framework.views imports this module by its settings
    from rest_framework.views import APIView


class Caller:
    """The user of DRF's words: the holder of a key."""

    is_authenticated = True

    def __init__(self, holder: KeyHolder) -> None:
        self.holder = holder


class KeyAuthentication(BaseAuthentication):
    """Bearer keys, counted against the rate limit. Raises BadKey, TooManyRequests; see errors.as_answer."""

    def authenticate(self, request: Request) -> tuple[Caller, str] | None:
        """The caller of a request, or None where it bears no key."""
        kind, _, plain = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        now = datetime.now(UTC)
        holder = authenticate(plain.strip(), now=now)
        limiter().admit(f"key:{holder.key_id}", limit=settings.RATE_LIMIT_PER_MINUTE, now=now)
        return Caller(holder), plain

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401, not 403, where the key is missing."""
        return "Bearer"


class HasScope(BasePermission):
    """The key must have the scope that the view names in `scope`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises NotAuthenticated without a key, PermissionDenied with the missing scope's name."""
        if not isinstance(request.user, Caller):
            raise exceptions.NotAuthenticated("Send an API key: Authorization: Bearer tloi_….")
        scope: str = view.scope
        if scope not in request.user.holder.scopes:
            raise exceptions.PermissionDenied(f"This key lacks the scope {scope!r}.")
        return True


def holder_of(request: Request) -> KeyHolder:
    """The key holder of an authenticated request."""
    caller = request.user
    if not isinstance(caller, Caller):
        raise exceptions.NotAuthenticated("Send an API key: Authorization: Bearer tloi_….")
    return caller.holder


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names the key."""

    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """An HTTP bearer scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "tloi_…"}
