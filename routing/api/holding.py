"""Whom the key of a request speaks for."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.request import Request

from telemetry.facade import KeyHolder


def holder_of(request: Request) -> KeyHolder:
    """The holder that telemetry's authentication has put on a request."""
    return cast(KeyHolder, cast(Any, request.user).holder)
