"""From an OTLP body, protobuf or JSON, to records. Pure. Source: OTLP 1.10, formats.md §2.

A body as a whole is refused (BadBody) where it is neither; a single record that cannot be read is set aside with its
reason, and the others are read. Texts of more than a few kilobytes are prompts and answers: they are cut while they are
still cheap. Ids in JSON are hex, 64-bit numbers are numbers or texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.sources.otlp import json_body, pairs
from telemetry.sources.otlp.records import Log, Point, Span, log_name, moment

MAX_RECORDS = 50_000
_DELTA = 1
_ERROR = 2
_parse_spans = pairs.parser(ExportTraceServiceRequest)
_parse_logs = pairs.parser(ExportLogsServiceRequest)
_parse_points = pairs.parser(ExportMetricsServiceRequest)
Record = TypeVar("Record", Span, Log, Point)


class BadBody(ValueError):
    """The body is no OTLP at all, or holds more than may be sent at once."""


@dataclass(slots=True)
class Decoded(Generic[Record]):
    """The records of a body, and the reasons of those that could not be read."""

    records: list[Record] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


def spans(body: bytes, *, is_json: bool) -> Decoded[Span]:
    """The spans of an ExportTraceServiceRequest. Raises BadBody."""
    return _of_json(json_body.spans, body) if is_json else _of_protobuf(_spans, body)


def logs(body: bytes, *, is_json: bool) -> Decoded[Log]:
    """The log records of an ExportLogsServiceRequest. Raises BadBody."""
    return _of_json(json_body.logs, body) if is_json else _of_protobuf(_logs, body)


def points(body: bytes, *, is_json: bool) -> Decoded[Point]:
    """The numbers of an ExportMetricsServiceRequest: sums, and the sums of histograms. Raises BadBody."""
    return _of_json(json_body.points, body) if is_json else _of_protobuf(_metrics, body)


def _of_json(read: Callable[[bytes], tuple[list[Record], list[str]]], body: bytes) -> Decoded[Record]:
    try:
        decoded = Decoded(*read(body))
    except ValueError as error:
        raise BadBody(f"The body is not OTLP/JSON: {error}") from None
    except RecursionError:
        raise BadBody("The body is nested too deeply.") from None
    _room(decoded, 0)
    return decoded


def _of_protobuf(read: Callable[[bytes], Decoded[Record]], body: bytes) -> Decoded[Record]:
    try:
        return read(body)
    except DecodeError:
        raise BadBody("The body is not OTLP/protobuf.") from None


def _room(decoded: Decoded[Any], more: int) -> None:
    if len(decoded.records) + len(decoded.rejected) + more > MAX_RECORDS:
        raise BadBody(f"The body holds more than {MAX_RECORDS} records; send fewer at a time.")


def _spans(body: bytes) -> Decoded[Span]:
    decoded: Decoded[Span] = Decoded()
    for group in _parse_spans(body).resource_spans:
        resource = pairs.attributes(group.resource.attributes)
        for scope in group.scope_spans:
            name = scope.scope.name
            _room(decoded, len(scope.spans))
            decoded.records += [_span(span, resource, name) for span in scope.spans]
    return decoded


def _logs(body: bytes) -> Decoded[Log]:
    decoded: Decoded[Log] = Decoded()
    for group in _parse_logs(body).resource_logs:
        resource = pairs.attributes(group.resource.attributes)
        for scope in group.scope_logs:
            name = scope.scope.name
            _room(decoded, len(scope.log_records))
            decoded.records += [_log(log, resource, name) for log in scope.log_records]
    return decoded


def _metrics(body: bytes) -> Decoded[Point]:
    decoded: Decoded[Point] = Decoded()
    for group in _parse_points(body).resource_metrics:
        resource = pairs.attributes(group.resource.attributes)
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                decoded.records += _points(metric, resource, scope.scope.name)
                _room(decoded, 0)
    return decoded


def _span(span: Any, resource: dict[str, Any], scope: str) -> Span:
    started = span.start_time_unix_nano
    return Span(
        resource=resource,
        scope=scope,
        name=span.name,
        attributes=pairs.attributes(span.attributes),
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_id=_id(span.parent_span_id),
        started_at=moment(started),
        duration_ns=(span.end_time_unix_nano or started) - started,
        has_failed=span.status.code == _ERROR,
    )


def _log(log: Any, resource: dict[str, Any], scope: str) -> Log:
    attributes = pairs.attributes(log.attributes)
    body = log.body.string_value[:200] if log.HasField("body") else ""
    return Log(
        resource=resource,
        scope=scope,
        name=log_name(attributes, log.event_name, body),
        attributes=attributes,
        trace_id=_id(log.trace_id),
        span_id=_id(log.span_id),
        at=moment(log.time_unix_nano or log.observed_time_unix_nano),
    )


def _id(raw: bytes) -> str:
    """An id in lower-case hex, "" where there is none. It has 16 bytes or 8; what has more than 32 is cut."""
    return raw[:32].hex() if raw.strip(b"\0") else ""


def _points(metric: Any, resource: dict[str, Any], scope: str) -> list[Point]:
    kind = metric.WhichOneof("data")
    if kind not in ("sum", "histogram"):
        return []
    data = getattr(metric, kind)
    return [
        Point(
            resource=resource,
            scope=scope,
            name=metric.name,
            attributes=pairs.attributes(point.attributes),
            started_at=moment(point.start_time_unix_nano),
            at=moment(point.time_unix_nano),
            value=float(point.sum if kind == "histogram" else _number(point)),
            is_delta=data.aggregation_temporality == _DELTA,
        )
        for point in data.data_points
    ]


def _number(point: Any) -> float:
    return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)
