"""OTLP in JSON: what exporters written in JavaScript send, and OpenRouter's Broadcast. Pure. Source: formats.md §2.

The usual body is decoded in one go; only where that fails is each record looked at alone, so that a bad one takes no
other down with it. A text that was cut through a character holds half of it, which is no JSON: it is mended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from telemetry.sources.otlp.records import MAX_TEXT, Log, Point, Span, log_name, moment

_MOST_ESCAPES = 500_000  # that are looked at to find broken ones, which takes a fifth of a second
_DELTA = (1, "AGGREGATION_TEMPORALITY_DELTA")
_ERROR = (2, "STATUS_CODE_ERROR")
_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
Number = int | float | str | None
Made = TypeVar("Made", bound=Struct)
Record = TypeVar("Record")


class _Value(Struct, rename="camel"):
    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None
    array_value: _Array | None = None


class _Array(Struct):
    values: list[_Value | None] = []


class _Pair(Struct):
    key: str = ""
    value: _Value | None = None


_Pairs = list[_Pair] | None


class _Attributed(Struct):
    attributes: _Pairs = None


class _Scope(Struct):
    name: str | None = None


class _Status(Struct):
    code: int | str | None = None


class _Span(Struct, rename="camel"):
    name: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    start_time_unix_nano: Number = None
    end_time_unix_nano: Number = None
    attributes: _Pairs = None
    status: _Status | None = None


class _Log(Struct, rename="camel"):
    time_unix_nano: Number = None
    observed_time_unix_nano: Number = None
    event_name: str | None = None
    body: _Value | None = None
    trace_id: str | None = None
    span_id: str | None = None
    attributes: _Pairs = None


class _PointOf(Struct, rename="camel"):
    start_time_unix_nano: Number = None
    time_unix_nano: Number = None
    as_int: int | str | None = None
    as_double: float | str | None = None
    sum: float | str | None = None
    attributes: _Pairs = None


class _Data(Struct, rename="camel"):
    """The points of a metric, each still unread."""

    data_points: list[Raw] | None = None
    aggregation_temporality: int | str | None = None


_NO_DATA = _Data()


class _Metric(Struct):
    name: str | None = None
    sum: _Data | None = None
    histogram: _Data | None = None


class _Group(Struct, rename="camel"):
    """The records of one scope, each still unread."""

    scope: _Scope | None = None
    spans: list[Raw] | None = None
    log_records: list[Raw] | None = None
    metrics: list[Raw] | None = None


class _Resource(Struct, rename="camel"):
    resource: _Attributed | None = None
    scope_spans: list[_Group] | None = None
    scope_logs: list[_Group] | None = None
    scope_metrics: list[_Group] | None = None


class _Body(Struct, rename="camel"):
    resource_spans: list[_Resource] | None = None
    resource_logs: list[_Resource] | None = None
    resource_metrics: list[_Resource] | None = None


_body = msgspec.json.Decoder(_Body)
_span = msgspec.json.Decoder(_Span)
_log = msgspec.json.Decoder(_Log)
_metric = msgspec.json.Decoder(_Metric)
_point = msgspec.json.Decoder(_PointOf)


def spans(body: bytes) -> tuple[list[Span], list[str]]:
    """Spans, and the reasons of those that could not be read. Raises ValueError, RecursionError."""
    groups = (
        (resource.resource, group.scope, group.spans)
        for resource in _decoded(body).resource_spans or ()
        for group in resource.scope_spans or ()
    )
    return _read(groups, _span, lambda span, resource, scope: [_span_of(span, resource, scope)])


def logs(body: bytes) -> tuple[list[Log], list[str]]:
    """Log records, and the reasons of those that could not be read. Raises ValueError, RecursionError."""
    groups = (
        (resource.resource, group.scope, group.log_records)
        for resource in _decoded(body).resource_logs or ()
        for group in resource.scope_logs or ()
    )
    return _read(groups, _log, lambda log, resource, scope: [_log_of(log, resource, scope)])


def points(body: bytes) -> tuple[list[Point], list[str]]:
    """Numbers of metrics, and the reasons of those, and of metrics, that could not be read. Raises ValueError,
    RecursionError."""
    records: list[Point] = []
    rejected: list[str] = []
    for resource in _decoded(body).resource_metrics or ():
        for group in resource.scope_metrics or ():
            metrics, reasons = _read([(None, None, group.metrics)], _metric, lambda metric, _resource, _scope: [metric])
            rejected += reasons
            for metric in metrics:
                data = metric.sum or metric.histogram or _NO_DATA
                make = partial(_point_of, metric.name or "", data.aggregation_temporality in _DELTA)
                points, reasons = _read([(resource.resource, group.scope, data.data_points)], _point, make)
                records += points
                rejected += reasons
    return records, rejected


def _decoded(body: bytes) -> _Body:
    try:
        return _body.decode(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        mended = _SURROGATES.sub(_mended, body, count=_MOST_ESCAPES)
        return _body.decode(mended.decode("utf-8", "replace").encode())


def _mended(found: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if found[1] else found[0]


def _read(
    groups: Iterable[tuple[_Attributed | None, _Scope | None, list[Raw] | None]],
    decoder: msgspec.json.Decoder[Made],
    make: Callable[[Made, dict[str, Any], str], list[Record]],
) -> tuple[list[Record], list[str]]:
    records: list[Record] = []
    rejected: list[str] = []
    for attributed, scope, raws in groups:
        resource = _attributes(attributed.attributes if attributed else None)
        name = (scope.name if scope else None) or ""
        for raw in raws or ():
            try:
                records += make(decoder.decode(raw), resource, name)
            except (ValueError, OverflowError) as error:
                rejected.append(str(error))
            except RecursionError:
                rejected.append("it is nested too deeply")
    return records, rejected


def _span_of(span: _Span, resource: dict[str, Any], scope: str) -> Span:
    started = _nanoseconds(span.start_time_unix_nano)
    return Span(
        resource=resource,
        scope=scope,
        name=span.name or "",
        attributes=_attributes(span.attributes),
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_id=_id(span.parent_span_id),
        started_at=moment(started),
        duration_ns=(_nanoseconds(span.end_time_unix_nano) or started) - started,
        has_failed=span.status is not None and span.status.code in _ERROR,
    )


def _log_of(log: _Log, resource: dict[str, Any], scope: str) -> Log:
    attributes = _attributes(log.attributes)
    body = (log.body.string_value if log.body else None) or ""
    return Log(
        resource=resource,
        scope=scope,
        name=log_name(attributes, log.event_name or "", body),
        attributes=attributes,
        trace_id=_id(log.trace_id),
        span_id=_id(log.span_id),
        at=moment(_nanoseconds(log.time_unix_nano) or _nanoseconds(log.observed_time_unix_nano)),
    )


def _point_of(name: str, is_delta: bool, point: _PointOf, resource: dict[str, Any], scope: str) -> list[Point]:
    return [
        Point(
            resource=resource,
            scope=scope,
            name=name,
            attributes=_attributes(point.attributes),
            started_at=moment(_nanoseconds(point.start_time_unix_nano)),
            at=moment(_nanoseconds(point.time_unix_nano)),
            value=_float(next((one for one in (point.as_int, point.as_double, point.sum) if one is not None), 0)),
            is_delta=is_delta,
        )
    ]


def _attributes(pairs: _Pairs) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs or ()}


def _plain(value: _Value | None) -> Any:
    """A value without its wrapping; long texts cut; None for one that is empty, or a map."""
    if value is None:
        return None
    if value.string_value is not None:
        return value.string_value[:MAX_TEXT]
    if value.int_value is not None:
        return value.int_value if isinstance(value.int_value, int) else _nanoseconds(value.int_value)
    if value.double_value is not None:
        return _float(value.double_value)
    if value.bool_value is not None:
        return value.bool_value
    return tuple(_plain(one) for one in value.array_value.values[:100]) if value.array_value else None


def _nanoseconds(number: Number) -> int:
    """A 64-bit number, which JSON has as a number or as a text. Raises ValueError."""
    if number is None or number == "":
        return 0
    if isinstance(number, str) and len(number) > 20:
        raise ValueError("a number has more than 20 digits")
    return int(number)


def _float(number: float | int | str) -> float:
    return float(number)


def _id(text: str | None) -> str:
    """An id in lower-case hex, "" where there is none. Raises ValueError."""
    if not text:
        return ""
    if not _ID.fullmatch(text):
        raise ValueError("a trace or span id is not hex")
    return "" if not text.strip("0") else text.lower()
