"""One shape for every error: {"error": {"code", "message"}}, with a text that a person can act on.

A fault of ours that will pass (the database is away, restarting, or full) is 503 with Retry-After, never 500:
clients must not give up on it.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import psycopg
import psycopg_pool
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import Error as DjangoDatabaseError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from telemetry.access.keys import BadKey
from telemetry.access.ratelimit import TooManyRequests
from telemetry.access.room import NoRoom
from telemetry.exporter.exporting import CannotExportNow
from telemetry.series.queries import UnknownDimension
from telemetry.series.window import BadWindow

_log = logging.getLogger(__name__)
_LATER = {"Retry-After": "5"}  # seconds
_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg_pool.PoolTimeout,
    psycopg_pool.PoolClosed,
)


class BadBody(exceptions.APIException):
    """The body as a whole cannot be read; nothing of it was stored."""

    status_code = 400
    default_code = "bad_body"


class BadQuery(exceptions.APIException):
    """The address asks for something that cannot be answered."""

    status_code = 400
    default_code = "bad_request"


class TooLarge(exceptions.APIException):
    """The body holds more bytes or items than one request may bring; nothing of it was stored."""

    status_code = 413
    default_code = "too_large"


def reason(error: ValueError | RecursionError) -> str:
    """Why a body is no question, for whoever sent it."""
    match error:
        case RecursionError():
            return "The body is nested too deeply."
        case msgspec.ValidationError():
            return f"The body is no question: {error}.".replace(" - at `$.", " - at `")
        case UnicodeDecodeError():
            return "The body is not UTF-8."
    return f"The body is not JSON: {error}."


def as_answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for a defect of ours, which Django answers with 500 and logs."""
    match error:
        case exceptions.APIException():
            return _drf(error)
        case BadWindow() | UnknownDimension() | SuspiciousOperation():
            return answer(400, "bad_request", str(error))
        case BadKey():
            return answer(401, "bad_key", str(error), {"WWW-Authenticate": "Bearer"})
        case TooManyRequests():
            return answer(429, "rate_limited", str(error), {"Retry-After": str(error.retry_after)})
        case CannotExportNow():
            return answer(503, "unavailable", str(error), _LATER)
        case NoRoom():
            return answer(503, "no_room", str(error), _LATER)
        case Http404():
            return answer(404, "not_found", "There is nothing at this address.")
        case PermissionDenied():
            return answer(403, "forbidden", "This key may not do that.")
    if is_passing(error):
        _log.warning("the database cannot answer now: %s", error)
        return answer(503, "unavailable", "The database cannot answer now; send the same again soon.", _LATER)
    return None


def is_passing(error: BaseException) -> bool:
    """Whether a database error is likely to be gone in a moment: the server is away, restarting, or full."""
    cause = error.__cause__ if isinstance(error, DjangoDatabaseError) else error
    return isinstance(cause, _PASSING)


def answer(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error in the one shape."""
    return Response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def _drf(error: exceptions.APIException) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.status_code == 401 else None
    return answer(error.status_code, str(error.default_code), str(error.detail), headers)
