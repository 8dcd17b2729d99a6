"""What the next session begins with, for agents that ask budgets themselves and do not call by the gateway."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from routing.compression.handover import handover
from routing.contracts import Protocol
from routing.wire.reading import BadRequest as Unreadable
from routing.wire.reading import read

MOST_BYTES = 8 * 2**20


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as its provider would be sent it, and in which protocol."""

    protocol: Protocol
    request: msgspec.Raw


class BadRequest(exceptions.APIException):
    """There is no conversation in the body that can be read."""

    status_code = 400
    default_code = "bad_request"


class HandoverView(APIView):
    """The end of a session."""

    scope = "ingest"

    @extend_schema(
        request=OpenApiTypes.OBJECT, responses={200: OpenApiTypes.OBJECT}, operation_id="hand_over_a_session"
    )
    def post(self, request: Request) -> Response:
        """`summary`: what the session came to, in its own words, as the user's first message of the next one; by no
        model, 8,000 bytes at most, and kept nowhere (docs/budgets.md). The body has the `request` that was not made,
        whole, and its `protocol`, as `openai.chat`, `openai.responses` or `anthropic.messages`."""
        raw = b"" if request.stream is None else request.stream.read(MOST_BYTES + 1)
        protocol, body = _asked(raw)
        return Response({"summary": handover(protocol, body)})


def _asked(raw: bytes) -> tuple[Protocol, dict[str, Any]]:
    if len(raw) > MOST_BYTES:
        raise BadRequest(f"A conversation may have {MOST_BYTES:,} bytes.")
    try:
        asked = msgspec.json.decode(raw, type=Asked)
        return asked.protocol, read(asked.protocol, bytes(asked.request)).body
    except Unreadable as error:
        raise BadRequest(error.message) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        protocols = ", ".join(get_args(Protocol))
        raise BadRequest(f"Send `protocol` (one of {protocols}) and `request`: {error}.") from None
