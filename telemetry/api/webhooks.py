"""Addresses that gateways of others post to, each in its own shape."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry.api import schema
from telemetry.api.parsers import has_lines, read_body
from telemetry.api.receipts import store, unreadable_is_noted
from telemetry.api.records import read_items
from telemetry.sources import litellm


class LiteLLMView(APIView):
    """What LiteLLM's callback `generic_api` sends: an object, an array of them (its default), or an object a line."""

    scope = "ingest"

    @extend_schema(request=schema.LITELLM, responses=schema.LITELLM_RECEIPT)
    def post(self, request: Request) -> Response:
        """Record the requests of a LiteLLM proxy. `ignored` are those that are no calls: answers from LiteLLM's own
        cache, failures without tokens, tools. At most 10,000 items and 20 MiB."""
        with unreadable_is_noted(request, source="litellm"):
            decoded = read_items(read_body(request), litellm.read, lines=has_lines(request))
        answer = store(request, decoded, into="calls", source="litellm")
        answer.data["ignored"] = decoded.ignored
        return answer
