"""Clocks that are wrong, in every way that a clock can be: no batch fails, and what was sent is stored, set apart or
refused, each item once and each with its reason. Good neighbours of bad items are stored."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from telemetry import facade
from telemetry.contracts import Call as Record
from telemetry.contracts import Execution as Run
from telemetry.models import Call, Execution, MeterPoint, Project, Quarantined
from tests.api_calls import CALLS, EXECUTIONS, ask, own_server

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
WRONG = {
    "epoch 0": datetime(1970, 1, 1, tzinfo=UTC),
    "a year ago": NOW - 365 * DAY,
    "six minutes ahead": NOW + timedelta(minutes=7),  # and one that the test may take
    "a month ahead": NOW + 30 * DAY,
    "a year ahead": NOW + 365 * DAY,
    "the year 9999": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
}
TEXTS = {
    **{name: at.isoformat() for name, at in WRONG.items()},
    "the year 1": "0001-01-01T00:00:00+00:00",
    "the year 1 east of Greenwich": "0001-01-01T00:00:00+14:00",
    "the year 9999 west of Greenwich": "9999-12-31T23:59:59-11:00",
    "an hour that summer time leaves out": "2026-03-29T02:30:00+01:00",
    "the first of an hour that comes twice": "2026-10-25T02:30:00+02:00",
    "the second of an hour that comes twice": "2026-10-25T02:30:00+01:00",
    "no zone": "2026-10-25T02:30:00",
    "a leap second": "2016-12-31T23:59:60Z",
    "the 31st of April": "2026-04-31T00:00:00Z",
    "the year 10000": "10000-01-01T00:00:00Z",
    "words": "yesterday",
    "nothing": "",
}
NUMBERS: list[Any] = [0, -1, 1e300, 2**63, 1_790_000_000, True, None, [], {}]
NANOSECONDS = [0, 1, 2**63 - 1, 2**63, 2**64 - 1]
SET_APART = re.compile(r"(\d+) set apart")


@pytest.fixture(scope="module")
def thirty_days(django_db_setup: None, static_files: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that keeps thirty days of calls."""
    log = tmp_path_factory.mktemp("server") / "log"
    with own_server(log, TLOI_RETENTION_DAYS="30") as server:
        yield server.address


@pytest.fixture(params=["everything", "thirty days"])
def address(request: pytest.FixtureRequest) -> str:
    """A server that keeps everything, and one that does not."""
    fixture = {"everything": "web", "thirty days": "thirty_days"}[request.param]
    return str(request.getfixturevalue(fixture))


def items(path: str) -> list[dict[str, Any]]:
    """A good item before and after each that has a wrong time, or none."""
    usual = {"model": "house-llama", "output": 1} if path == CALLS else {"tokens_output": 1}
    name = "id" if path == CALLS else "execution_id"
    times: list[Any] = [*TEXTS.values(), *NUMBERS]
    sent: list[dict[str, Any]] = [{**usual, name: "no time at all"}]
    for number, at in enumerate(times):
        sent.append({**usual, name: f"good {number}", "started_at": (NOW - timedelta(minutes=number)).isoformat()})
        sent.append({**usual, name: f"wrong {number}", "started_at": at})
    return sent


def kept(project: Project, path: str) -> int:
    """How many calls, or executions, the database holds."""
    table = Call if path == CALLS else Execution
    return table.objects.filter(project_id=project.pk).count()


@pytest.mark.parametrize("path", [CALLS, EXECUTIONS])
def test_by_the_api_everything_sent_is_stored_set_apart_or_refused(
    address: str, project: Project, key: str, path: str
) -> None:
    sent = items(path)
    answer = ask(address, "POST", path, key=key, body=json.dumps(sent).encode())
    assert answer.status == 200, answer.content
    receipt = answer.json
    assert receipt["accepted"] + receipt["duplicates"] + receipt["quarantined"] + len(receipt["rejected"]) == len(sent)
    assert kept(project, path) == receipt["accepted"] >= len(TEXTS) + len(NUMBERS)
    assert Quarantined.objects.filter(project_id=project.pk).count() == receipt["quarantined"] >= 5
    refused = {one["index"] for one in receipt["rejected"]}
    assert all(one["reason"] for one in receipt["rejected"])
    assert not any("good" in str(sent[place]) for place in refused)


@pytest.mark.parametrize("path", [CALLS, EXECUTIONS])
def test_each_wrong_time_alone_is_answered_with_200_or_a_reason(
    address: str, project: Project, key: str, path: str
) -> None:
    for item in items(path):
        answer = ask(address, "POST", path, key=key, body=json.dumps(item).encode())
        receipt = answer.json
        told = receipt["accepted"] + receipt["duplicates"] + receipt["quarantined"] + len(receipt["rejected"])
        assert told == 1
        assert answer.status == (400 if receipt["rejected"] else 200), item


def times(encoding: str) -> list[int]:
    """Nanoseconds since 1970, of good and of wrong clocks, and such as no clock has; protobuf has room for 64 bits."""
    good = [NOW - timedelta(minutes=number) for number in range(5)]
    moments = [*(int(at.timestamp()) * 10**9 for at in (*good, *WRONG.values())), *NANOSECONDS]
    return moments if encoding == "json" else [moment for moment in moments if moment < 2**64]


def logs(encoding: str) -> tuple[dict[str, Any], int]:
    """A request of Claude Code at each of those times, and one at none; and how many they are."""
    records: list[dict[str, Any]] = [{"timeUnixNano": str(at)} for at in times(encoding)] + [{}]
    for number, record in enumerate(records):
        named = {"event.name": "api_request", "model": "house-llama", "request_id": f"req_{number}", "output_tokens": 9}
        record["attributes"] = [{"key": name, "value": {"stringValue": str(value)}} for name, value in named.items()]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}, len(records)


def spans(encoding: str) -> tuple[dict[str, Any], int]:
    """A span of a call at each of those times, and one at none, half of which end before they begin; and how many."""
    records: list[dict[str, Any]] = [
        {"startTimeUnixNano": str(at), "endTimeUnixNano": str(max(0, min(at + step, 2**64 - 1)))}
        for at in times(encoding)
        for step in (10**9, -(10**9))
    ] + [{}]
    for number, record in enumerate(records):
        named = {"gen_ai.request.model": "house-llama", "gen_ai.response.id": f"r{number}", "gen_ai.system": "local"}
        record |= {"traceId": _id(number, 16, encoding), "spanId": _id(number, 8, encoding), "name": "chat", "kind": 3}
        record["attributes"] = [
            *({"key": name, "value": {"stringValue": value}} for name, value in named.items()),
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "9"}},
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        ]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": records}]}]}, len(records)


def _id(number: int, size: int, encoding: str) -> str:
    """OTLP's own JSON has ids in hexadecimal digits; what makes protobuf of JSON wants base64."""
    name = (number + 1).to_bytes(size, "big")
    return name.hex() if encoding == "json" else base64.b64encode(name).decode()


@dataclass(frozen=True, slots=True)
class Signal:
    """A kind of export: where it goes, what is sent, and how requests and answers are encoded."""

    path: str
    made: Callable[[str], tuple[dict[str, Any], int]]
    request: Any
    answer: Any
    refused: tuple[str, str]


SIGNALS = [
    Signal("/v1/logs", logs, ExportLogsServiceRequest, ExportLogsServiceResponse, ("LogRecords", "log_records")),
    Signal("/v1/traces", spans, ExportTraceServiceRequest, ExportTraceServiceResponse, ("Spans", "spans")),
]


@pytest.mark.parametrize("encoding", ["json", "x-protobuf"])
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.path)
def test_by_otlp_everything_sent_is_stored_set_apart_or_refused(
    address: str, project: Project, key: str, signal: Signal, encoding: str
) -> None:
    body, sent = signal.made(encoding)
    text = json.dumps(body)
    content = text.encode() if encoding == "json" else json_format.Parse(text, signal.request()).SerializeToString()
    headers = {"Content-Type": f"application/{encoding}"}
    answer = ask(address, "POST", signal.path, key=key, body=content, headers=headers)
    assert answer.status == 200, answer.content
    refused, message = _partial(signal, answer.content, encoding)
    apart = Quarantined.objects.filter(project_id=project.pk).count()
    told = SET_APART.search(message)
    assert told is not None
    assert int(told[1]) == apart >= 5
    assert kept(project, CALLS) + apart + refused == sent
    assert kept(project, CALLS) >= 5


def readings(encoding: str) -> tuple[dict[str, Any], int]:
    """A counter of Claude Code, in a session of its own, at each of those times, from five seconds before on."""
    points = [
        {
            "startTimeUnixNano": str(max(0, at - 5 * 10**9)),
            "timeUnixNano": str(at),
            "asInt": "7",
            "attributes": [
                {"key": name, "value": {"stringValue": value}}
                for name, value in (("session.id", f"s{number}"), ("type", "output"), ("model", "house-llama"))
            ],
        }
        for number, at in enumerate(times(encoding))
    ]
    metric = {"name": "claude_code.token.usage", "sum": {"aggregationTemporality": 1, "dataPoints": points}}
    scope = {"name": "com.anthropic.claude_code"}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
    said = {"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": [metric]}]}
    return {"resourceMetrics": [said]}, len(points)


def test_of_counters_everything_sent_is_kept_set_apart_or_refused(address: str, project: Project, key: str) -> None:
    body, sent = readings("json")
    headers = {"Content-Type": "application/json"}
    answer = ask(address, "POST", "/v1/metrics", key=key, body=json.dumps(body).encode(), headers=headers)
    assert answer.status == 200, answer.content
    partial = answer.json["partialSuccess"]
    apart = SET_APART.search(partial["errorMessage"])
    assert apart is not None
    held = MeterPoint.objects.filter(project_id=project.pk).count()
    assert held + int(apart[1]) + int(partial["rejectedDataPoints"]) == sent
    assert held == kept(project, CALLS) >= 5  # each is the only word of its session


def _partial(signal: Signal, content: bytes, encoding: str) -> tuple[int, str]:
    """How many records an answer says were refused, and its sentence."""
    if encoding == "json":
        partial = json.loads(content)["partialSuccess"]
        return int(partial[f"rejected{signal.refused[0]}"]), partial["errorMessage"]
    told = signal.answer.FromString(content).partial_success
    return int(getattr(told, f"rejected_{signal.refused[1]}")), told.error_message


@pytest.mark.parametrize("off", [30 * DAY, -30 * DAY, 400 * DAY], ids=["ahead", "behind", "far ahead"])
def test_a_server_whose_clock_jumps_goes_on_and_counts_everything(project: Project, off: timedelta) -> None:
    """Its partitions may lie behind it; what the agents' right clocks say is then late, or ahead of its time."""
    now = NOW + off
    calls = [
        Record(id=f"{back}", started_at=NOW - timedelta(hours=back), model="m", output=1) for back in range(0, 60, 5)
    ]
    calls += [
        Record(id=f"its own {back}", started_at=now - timedelta(hours=back), model="m", output=1) for back in range(5)
    ]
    runs = [Run(started_at=one.started_at, execution_id=one.id, tokens_output=1) for one in calls]
    receipt = facade.record(project_id=project.pk, calls=calls, executions=runs, source="test", now=now)
    stored = receipt.accepted + receipt.quarantined + len(receipt.rejected)
    assert stored == 2 * len(calls)
    assert kept(project, CALLS) + kept(project, EXECUTIONS) >= receipt.accepted >= 10
    assert Quarantined.objects.filter(project_id=project.pk).count() == receipt.quarantined
    back = facade.record(project_id=project.pk, calls=calls, executions=runs, source="test", now=NOW)
    assert back.accepted + back.duplicates + back.quarantined + len(back.rejected) == 2 * len(calls)
    held = Call.objects.filter(project_id=project.pk, request_key__in=[one.id for one in calls])
    assert held.count() == len({one.request_key for one in held})
