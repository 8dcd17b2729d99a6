"""OTLP bodies become records: both encodings say the same, and a bad record takes no other down with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.sources.otlp import wire
from telemetry.sources.otlp.wire import BadBody

AT = 1_795_197_370_791_000_000
MOMENT = datetime(2026, 11, 20, 17, 56, 10, 791_000, tzinfo=UTC)
TRACE, SPAN, PARENT = "c98a0c0296dd9701d056175ab7f6eb6d", "a3dec650840d4779", "33ac9a0c27157a31"
READERS: dict[str, Callable[..., Any]] = {"spans": wire.spans, "logs": wire.logs, "points": wire.points}


def pair(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


ATTRIBUTES = [
    pair("text", stringValue="words"),
    pair("whole", intValue="200"),
    pair("bare", intValue=7),
    pair("real", doubleValue=0.25),
    pair("flag", boolValue=True),
    pair("list", arrayValue={"values": [{"stringValue": "stop"}, {"intValue": "3"}]}),
    pair("long", stringValue="x" * 5000),
    pair("empty", stringValue=""),
    pair("zero", intValue="0"),
    pair("zero real", doubleValue=0.0),
    pair("off", boolValue=False),
    {"key": "nothing", "value": {}},
]
PLAIN = {
    "text": "words",
    "whole": 200,
    "bare": 7,
    "real": 0.25,
    "flag": True,
    "list": ("stop", 3),
    "long": "x" * 4096,
    "empty": "",
    "zero": 0,
    "zero real": 0.0,
    "off": False,
}
RESOURCE = {"attributes": [pair("service.name", stringValue="agent")]}


def trace_body(*spans: dict[str, Any]) -> dict[str, Any]:
    scope = {"scope": {"name": "lib"}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [scope]}]}


def log_body(*logs: Any) -> dict[str, Any]:
    return {
        "resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"scope": {"name": "lib"}, "logRecords": list(logs)}]}]
    }


def metric_body(*metrics: dict[str, Any]) -> dict[str, Any]:
    return {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": list(metrics)}]}]}


def as_protobuf(kind: type[Any], body: dict[str, Any]) -> bytes:
    """The same body in protobuf, by Google's own encoder, which wants ids in base64."""
    return bytes(json_format.Parse(json.dumps(body), kind()).SerializeToString())


def without_nothing(attributes: Any) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name != "nothing"}


ONE_SPAN = {
    "name": "chat m",
    "startTimeUnixNano": str(AT),
    "endTimeUnixNano": str(AT + 10**9),
    "attributes": ATTRIBUTES,
    "status": {"code": 2},
}


def test_a_span_is_the_same_in_both_encodings() -> None:
    for body, is_json in (
        (json.dumps(trace_body(ONE_SPAN)).encode(), True),
        (as_protobuf(ExportTraceServiceRequest, trace_body(ONE_SPAN)), False),
    ):
        (span,) = wire.spans(body, is_json=is_json).records
        assert (span.name, span.scope, span.resource) == ("chat m", "lib", {"service.name": "agent"})
        assert (span.started_at, span.duration_ns) == (MOMENT, 10**9)
        assert span.has_failed
        assert without_nothing(span.attributes) == PLAIN


def test_ids_of_json_are_hex_and_zeros_are_none() -> None:
    ids = {"traceId": TRACE.upper(), "spanId": SPAN, "parentSpanId": "0" * 16}
    (span,) = wire.spans(json.dumps(trace_body(ids)).encode(), is_json=True).records
    assert (span.trace_id, span.span_id, span.parent_id) == (TRACE, SPAN, "")


def test_ids_of_protobuf_are_bytes() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.parent_span_id = map(bytes.fromhex, (TRACE, SPAN, PARENT))
    (found,) = wire.spans(request.SerializeToString(), is_json=False).records
    assert (found.trace_id, found.span_id, found.parent_id) == (TRACE, SPAN, PARENT)


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ({"attributes": [pair("event.name", stringValue="api_request")], "body": {"stringValue": "b"}}, "api_request"),
        (
            {"eventName": "a.file.rs:1153", "attributes": [pair("event.name", stringValue="codex.sse_event")]},
            "codex.sse_event",
        ),
        ({"eventName": "named"}, "named"),
        ({"body": {"stringValue": "claude_code.api_request"}}, "claude_code.api_request"),
        ({}, ""),
    ],
)
def test_a_log_is_named_by_its_attribute_then_its_field_then_its_body(log: dict[str, Any], name: str) -> None:
    body = log_body(log)
    assert [one.name for one in wire.logs(json.dumps(body).encode(), is_json=True).records] == [name]
    packed = as_protobuf(ExportLogsServiceRequest, body)
    assert [one.name for one in wire.logs(packed, is_json=False).records] == [name]


def test_a_log_without_a_time_has_the_one_at_which_it_was_observed() -> None:
    body = log_body({"timeUnixNano": "0", "observedTimeUnixNano": str(AT)})
    assert [one.at for one in wire.logs(json.dumps(body).encode(), is_json=True).records] == [MOMENT]
    packed = as_protobuf(ExportLogsServiceRequest, body)
    assert [one.at for one in wire.logs(packed, is_json=False).records] == [MOMENT]


def test_sums_and_histograms_are_points_and_gauges_are_not() -> None:
    times = {"startTimeUnixNano": str(AT), "timeUnixNano": str(AT + 10**9)}
    body = metric_body(
        {"name": "whole", "sum": {"aggregationTemporality": 2, "dataPoints": [{**times, "asInt": "12"}]}},
        {"name": "real", "sum": {"aggregationTemporality": 1, "dataPoints": [{**times, "asDouble": 1.5}]}},
        {"name": "shape", "histogram": {"aggregationTemporality": 1, "dataPoints": [{**times, "sum": 128.0}]}},
        {"name": "level", "gauge": {"dataPoints": [{**times, "asInt": "1"}]}},
    )
    wanted = [("whole", 12.0, False), ("real", 1.5, True), ("shape", 128.0, True)]
    for packed, is_json in ((json.dumps(body).encode(), True), (as_protobuf(ExportMetricsServiceRequest, body), False)):
        found = wire.points(packed, is_json=is_json).records
        assert [(one.name, one.value, one.is_delta) for one in found] == wanted
        assert {(one.started_at, (one.at - one.started_at).total_seconds()) for one in found} == {(MOMENT, 1)}


def test_a_bad_record_in_json_takes_no_other_down() -> None:
    good = {"timeUnixNano": str(AT)}
    bad: list[Any] = [{"timeUnixNano": "soon"}, {"attributes": 5}, {"traceId": "xyz"}, 7, {"timeUnixNano": 1e300}]
    decoded = wire.logs(json.dumps(log_body(good, *bad, good)).encode(), is_json=True)
    assert [one.at for one in decoded.records[:1] + decoded.records[-1:]] == [MOMENT, MOMENT]
    assert len(decoded.records) + len(decoded.rejected) == 7
    assert len(decoded.rejected) >= 4


def test_a_bad_number_of_a_metric_in_json_takes_no_other_of_it_down() -> None:
    good = {"timeUnixNano": str(AT), "asInt": "1"}
    bad: list[Any] = [{**good, "timeUnixNano": "9" * 21}, {**good, "asInt": "many"}, 7, {"attributes": 5}]
    body = metric_body({"name": "counter", "sum": {"dataPoints": [good, *bad, good]}}, {"name": [], "sum": {}})
    decoded = wire.points(json.dumps(body).encode(), is_json=True)
    assert [one.at for one in decoded.records] == [MOMENT, MOMENT]
    assert len(decoded.rejected) == len(bad) + 1


def test_half_a_character_is_mended() -> None:
    body = json.dumps(
        log_body({"body": {"stringValue": "cut \ud83d"}, "attributes": [pair("a", stringValue="\ude00 \\ud83d 😀")]})
    )
    (log,) = wire.logs(body.encode(), is_json=True).records
    assert (log.name, log.attributes["a"]) == ("cut \ufffd", "\ufffd \\ud83d 😀")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"resourceSpans": 5, "resourceLogs": 5, "resourceMetrics": 5}',
    ],
)
def test_a_body_that_is_no_otlp_is_refused_as_a_whole(reader: str, body: bytes) -> None:
    with pytest.raises(BadBody):
        READERS[reader](body, is_json=True)


@pytest.mark.parametrize("reader", READERS)
def test_a_body_that_is_no_protobuf_is_refused_as_a_whole(reader: str) -> None:
    for body in (b"\xff", b"{}", b"\x0a\xff\xff\xff\xff\xff", b"\x0a" * 500):
        with pytest.raises(BadBody):
            READERS[reader](body, is_json=False)


@pytest.mark.parametrize("reader", READERS)
def test_an_empty_request_holds_nothing(reader: str) -> None:
    assert READERS[reader](b"", is_json=False).records == []
    assert READERS[reader](b"{}", is_json=True).records == []


def test_more_records_than_a_body_may_bring_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_RECORDS", 3)
    body = trace_body(*[ONE_SPAN] * 4)
    for packed, is_json in ((json.dumps(body).encode(), True), (as_protobuf(ExportTraceServiceRequest, body), False)):
        with pytest.raises(BadBody, match="more than 3"):
            wire.spans(packed, is_json=is_json)
