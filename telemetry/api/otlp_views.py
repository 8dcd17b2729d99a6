"""OTLP over HTTP: spans, logs and metrics of any exporter, at `/v1/…` and `/otlp/v1/…`. Source: OTLP 1.10.

An answer is in the request's own encoding. 200 means that what was accepted is on disk; what was refused is counted in
`partialSuccess`, and sending it again would change nothing. A fault that passes is 429 or 503, which exporters retry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.errors import BadBody
from telemetry.api.parsers import read_body
from telemetry.api.receipts import unreadable_is_noted
from telemetry.contracts import Receipt, Rejection
from telemetry.database import connection
from telemetry.ledger import intake
from telemetry.ledger.ingest import ingest
from telemetry.ledger.meters import record_readings
from telemetry.sources.otlp import reading, wire
from telemetry.sources.otlp.reading import Heard

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
_MOST_REASONS = 5


class OtlpView(APIView):
    """What the three signals share."""

    scope = "ingest"
    answer: ClassVar[type[Any]]
    refused: ClassVar[str]

    def heard(self, body: bytes, *, is_json: bool, keep_content: bool) -> tuple[Mapping[str, Heard], list[str]]:
        """By dialect, what a body says, and the reasons of the records that could not be read. Raises wire.BadBody."""
        raise NotImplementedError

    @extend_schema(request=schema.OTLP, responses=schema.OTLP_ANSWER)
    def post(self, request: Request) -> HttpResponse:
        """Store what a body says; gzip or plain, protobuf or JSON, chunked or not."""
        is_json, holder = _is_json(request), holder_of(request)
        with unreadable_is_noted(request, source="otlp"):
            body = read_body(request)
            try:
                heard, rejected = self.heard(body, is_json=is_json, keep_content=holder.keep_content)
            except wire.BadBody as error:
                raise BadBody(str(error)) from None
        now = datetime.now(UTC)
        receipts = [_store(holder.project_id, name, said, now) for name, said in heard.items()]
        reasons = [
            *rejected,
            *(reason for said in heard.values() for reason in said.rejected),
            *(rejection.reason for receipt in receipts for rejection in receipt.rejected),
        ]
        quarantined = sum(receipt.quarantined for receipt in receipts)
        return self._answer(len(reasons), _message(reasons, quarantined), is_json=is_json)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """Whatever Accept says: the answer is in the request's encoding."""
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type

    def handle_exception(self, exc: Exception) -> Response | HttpResponse:  # type: ignore[override]
        """An error in the request's encoding: protobuf's is a google.rpc.Status."""
        answer = super().handle_exception(exc)
        if _content_type(self.request) not in (PROTOBUF, "application/protobuf") or not isinstance(answer.data, dict):
            return answer
        message = str(answer.data.get("error", {}).get("message", "")).encode()[:1000]
        plain = HttpResponse(_status(message), status=answer.status_code, content_type=PROTOBUF)
        for name, value in answer.headers.items():
            if name.lower() in ("retry-after", "www-authenticate", "allow"):
                plain[name] = value
        return plain

    def _answer(self, refused: int, message: str, *, is_json: bool) -> HttpResponse:
        if is_json:
            partial = {self.refused: str(refused), "errorMessage": message}
            return HttpResponse(msgspec.json.encode({"partialSuccess": partial} if message else {}), content_type=JSON)
        answer = self.answer()
        if message:
            answer.partial_success.error_message = message
            setattr(answer.partial_success, _snake(self.refused), refused)
        return HttpResponse(answer.SerializeToString(), content_type=PROTOBUF)


class TracesView(OtlpView):
    """Spans: calls by the agents that send no log of them, and turns."""

    answer = ExportTraceServiceResponse
    refused = "rejectedSpans"

    def heard(self, body: bytes, *, is_json: bool, keep_content: bool) -> tuple[Mapping[str, Heard], list[str]]:
        """By dialect, what spans say."""
        decoded = wire.spans(body, is_json=is_json)
        return reading.read_spans(decoded.records, keep_content=keep_content), decoded.rejected


class LogsView(OtlpView):
    """Logs: one event a call, by the agents that send them."""

    answer = ExportLogsServiceResponse
    refused = "rejectedLogRecords"

    def heard(self, body: bytes, *, is_json: bool, keep_content: bool) -> tuple[Mapping[str, Heard], list[str]]:
        """By dialect, what log records say."""
        decoded = wire.logs(body, is_json=is_json)
        return reading.read_logs(decoded.records, keep_content=keep_content), decoded.rejected


class MetricsView(OtlpView):
    """Metrics: sums that say what calls say already; read, and counted where nothing else arrives."""

    answer = ExportMetricsServiceResponse
    refused = "rejectedDataPoints"

    def heard(self, body: bytes, *, is_json: bool, keep_content: bool) -> tuple[Mapping[str, Heard], list[str]]:
        """By dialect, what numbers say."""
        decoded = wire.points(body, is_json=is_json)
        return reading.read_points(decoded.records), decoded.rejected


def _store(project_id: int, dialect: str, said: Heard, now: datetime) -> Receipt:
    """Store what a dialect said, and note that it was heard, also where that was nothing to count."""
    into: dict[str, Any] = {"project_id": project_id, "source": f"otlp:{dialect}", "now": now}
    receipt = Receipt()
    if said.readings:
        receipt = record_readings(connection(), readings=said.readings, **into)
    elif said.calls or said.executions:
        receipt = ingest(connection(), calls=said.calls, executions=said.executions, **into)
    rejections = [*(Rejection(0, "", reason) for reason in said.rejected), *receipt.rejected]
    intake.note(connection(), received=1, rejections=rejections, **into)
    return receipt


def _message(reasons: Iterable[str], quarantined: int) -> str:
    """Why records were refused or set apart, for a person; empty where none was."""
    found = list(dict.fromkeys(reasons))[:_MOST_REASONS]
    if quarantined:
        found.append(f"{quarantined} set apart, for their time cannot be believed")
    return "; ".join(found)


def _content_type(request: Any) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()


def _is_json(request: Request) -> bool:
    """Whether a body is JSON rather than protobuf. Raises UnsupportedMediaType."""
    kind = _content_type(request)
    if kind not in (JSON, PROTOBUF, "application/protobuf"):
        raise UnsupportedMediaType(kind, f"Content-Type {kind!r} is not OTLP; send {PROTOBUF} or {JSON}.")
    return kind == JSON


def _status(message: bytes) -> bytes:
    """A google.rpc.Status with a message: field 2, a length of two bytes at most, the text."""
    size = len(message)
    length = bytes([size]) if size < 128 else bytes([size % 128 | 128, size // 128])
    return b"\x12" + length + message


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
