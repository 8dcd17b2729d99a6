"""Tasks in, their state and answers out."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from routing.api.holding import holder_of
from routing.errands import shelf, telling, wanted
from routing.errands.shelf import OtherTask, TooManyTasks
from routing.errands.wanted import BadTask


class BadRequest(exceptions.APIException):
    """The task cannot be done as it is asked."""

    status_code = 400
    default_code = "bad_task"


class Conflict(exceptions.APIException):
    """The idempotency key belongs to another task."""

    status_code = 409
    default_code = "other_task"


class TooMany(exceptions.APIException):
    """The project has as many open tasks as it may."""

    status_code = 429
    default_code = "too_many_tasks"


class TasksView(APIView):
    """Work that is done by the ladder while its asker goes on."""

    scope = "gateway"

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        responses={202: OpenApiTypes.OBJECT, 200: OpenApiTypes.OBJECT},
        operation_id="ask_task",
    )
    def post(self, request: Request) -> Response:
        """Ask for a task: `type`, and `prompt` or `messages`; `schema`, `model`, `callback`, `idempotency_key` and
        whose it is where you like (docs/tasks.md). 202 with its id; 200 where the idempotency key is known."""
        holder = holder_of(request)
        raw = b"" if request.stream is None else request.stream.read(wanted.MOST_BYTES + 1)
        try:
            task = wanted.read(raw)
            errand, is_new = shelf.ask(
                task,
                project_id=holder.project_id,
                key_id=holder.key_id,
                secret=signing_secret(str(request.auth)),
                now=datetime.now(UTC),
            )
        except BadTask as error:
            raise BadRequest(str(error)) from None
        except OtherTask as error:
            raise Conflict(str(error)) from None
        except TooManyTasks as error:
            raise TooMany(str(error)) from None
        return Response(telling.told(errand), status=202 if is_new else 200)


class TaskView(APIView):
    """One task."""

    scope = "gateway"

    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="read_task")
    def get(self, request: Request, errand_id: UUID) -> Response:
        """Its state, and once it is done its answer, for seven days."""
        return Response(telling.told(_errand(request, errand_id)))

    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="cancel_task")
    def delete(self, request: Request, errand_id: UUID) -> Response:
        """Cancel it, where it is not over; one that runs stops within seconds."""
        shelf.cancel(_errand(request, errand_id).pk, project_id=holder_of(request).project_id, now=datetime.now(UTC))
        return Response(telling.told(_errand(request, errand_id)))


def signing_secret(plain_key: str) -> str:
    """What signs callbacks, so that nothing more has to be agreed upon: HMAC-SHA256 of `tloi callback` under the API
    key with which the task was asked for, in hexadecimal."""
    return hmac.new(plain_key.strip().encode(), b"tloi callback", hashlib.sha256).hexdigest()


def _errand(request: Request, errand_id: UUID) -> Any:
    found = shelf.find(errand_id, project_id=holder_of(request).project_id)
    if found is None:
        raise Http404
    return found
