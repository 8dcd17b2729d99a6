"""OTLP as its specification has it: encodings, sizes, partial success, and who may send. Source: OTLP 1.10."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from telemetry.access import keys
from telemetry.models import Call, Project, RejectedReason, SourceSeen
from tests.api_calls import Answer, ask, own_server, usage

SIGNALS = ("traces", "logs", "metrics")
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
ENCODINGS = {"json": JSON, "protobuf": PROTOBUF}
LOGS = "/v1/logs"
NOON = datetime(2025, 10, 24, 12, tzinfo=UTC)


def request(number: int = 1, changes: Mapping[str, Any] | None = None, *, at: datetime = NOON) -> dict[str, Any]:
    """A log record of one request of Claude Code."""
    named = {
        "event.name": "api_request",
        "model": "claude-sonnet-4-5",
        "request_id": f"req_{number}",
        "output_tokens": 9,
    }
    return {
        "timeUnixNano": str(int(at.timestamp() * 10**9)),
        "attributes": [
            {"key": key, "value": {"stringValue": str(value)}} for key, value in {**named, **(changes or {})}.items()
        ],
    }


def body_of(*logs: Any) -> dict[str, Any]:
    """An export of log records."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": list(logs)}]}]}


def encoded(body: dict[str, Any], encoding: str) -> bytes:
    """An export in one of the two encodings."""
    text = json.dumps(body)
    return (
        text.encode() if encoding == "json" else json_format.Parse(text, ExportLogsServiceRequest()).SerializeToString()
    )


def post(web: str, key: str, body: bytes, headers: Mapping[str, str], path: str = LOGS) -> Answer:
    """Send an export."""
    return ask(web, "POST", path, key=key, body=body, headers=headers)


def message_of(answer: Answer) -> str:
    """The sentence of an error, which protobuf wraps in a google.rpc.Status."""
    if answer.headers["content-type"].startswith("application/json"):
        return str(answer.json["error"]["message"])
    assert answer.headers["content-type"] == PROTOBUF["Content-Type"]
    assert answer.content[:1] == b"\x12"
    return answer.content[2 if answer.content[1] < 128 else 3 :].decode()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("prefix", ["", "/otlp"])
def test_an_empty_request_succeeds_in_its_own_encoding(
    web: str, key: str, encoding: str, signal: str, prefix: str
) -> None:
    answer = post(web, key, b"{}" if encoding == "json" else b"", ENCODINGS[encoding], f"{prefix}/v1/{signal}")
    assert (answer.status, answer.headers["content-type"]) == (200, ENCODINGS[encoding]["Content-Type"])
    assert answer.content == (b"{}" if encoding == "json" else b"")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("packing", ["plain", "gzip", "chunked", "chunked gzip"])
def test_a_call_is_stored_however_it_is_packed(web: str, key: str, encoding: str, packing: str) -> None:
    body, headers = encoded(body_of(request(), request(2)), encoding), dict(ENCODINGS[encoding])
    if "gzip" in packing:
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    sent = (body[n : n + 50] for n in range(0, len(body), 50)) if "chunked" in packing else body
    for _ in range(2):
        answer = ask(web, "POST", LOGS, key=key, body=sent, headers=headers)
        assert answer.status == 200
        assert usage(web, key)["total"]["calls"] == 2
        sent = body


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_refused_is_counted_with_its_reason_and_the_rest_is_stored(web: str, key: str, encoding: str) -> None:
    body = body_of(request(1), request(2, {"output_tokens": "many"}), request(3, {"cost_usd": "9e9"}), request(4))
    answer = post(web, key, encoded(body, encoding), ENCODINGS[encoding])
    assert answer.status == 200
    if encoding == "json":
        partial = answer.json["partialSuccess"]
        refused, why = partial["rejectedLogRecords"], partial["errorMessage"]
        assert refused == "2"  # proto3's JSON writes 64-bit numbers as texts
    else:
        message = ExportLogsServiceResponse.FromString(answer.content).partial_success
        refused, why = message.rejected_log_records, message.error_message
        assert refused == 2
    assert "output_tokens" in why
    assert "cost_usd" in why
    assert usage(web, key)["total"]["calls"] == 2


def test_a_time_that_cannot_be_believed_is_set_apart_and_said(web: str, key: str) -> None:
    body = body_of(request(1), request(2, at=datetime.now(UTC) + timedelta(days=400)))
    partial = post(web, key, encoded(body, "json"), JSON).json["partialSuccess"]
    assert (partial["rejectedLogRecords"], "1 set apart" in partial["errorMessage"]) == ("0", True)
    assert usage(web, key)["total"]["calls"] == 1


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_garbage_is_the_senders_400_in_his_encoding(web: str, key: str, encoding: str, signal: str) -> None:
    answer = post(web, key, b"\xff{nonsense", ENCODINGS[encoding], f"/v1/{signal}")
    assert answer.status == 400
    assert "not OTLP" in message_of(answer)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_that_unpacks_to_too_much_is_413(web: str, key: str, encoding: str) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(bytes(64 * 2**20)) + packer.flush()
    answer = post(web, key, bomb, {**ENCODINGS[encoding], "Content-Encoding": "gzip"})
    assert answer.status == 413
    assert "unpacks to more" in message_of(answer)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_without_a_key_or_its_scope_nobody_sends(web: str, project: Project, encoding: str) -> None:
    assert post(web, "", b"", ENCODINGS[encoding]).status == 401
    assert post(web, "tloi_aaaaaaaa_" + "b" * 43, b"", ENCODINGS[encoding]).status == 401
    reader = keys.create_key(project, name="r", scopes=["read"])
    answer = post(web, reader, b"", ENCODINGS[encoding])
    assert (answer.status, "ingest" in message_of(answer)) == (403, True)


@pytest.mark.parametrize("accept", ["*/*", "application/x-protobuf", "text/html", ""])
def test_whatever_accept_says_the_answer_is_in_the_requests_encoding(web: str, key: str, accept: str) -> None:
    answer = post(web, key, b"", {**PROTOBUF, "Accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF["Content-Type"])


def test_another_content_type_is_415_and_another_method_405(web: str, key: str) -> None:
    assert post(web, key, b"x", {"Content-Type": "text/plain"}).status == 415
    assert post(web, key, b"x", {**JSON, "Content-Encoding": "br"}).status == 415
    assert ask(web, "GET", LOGS, key=key).status == 405


def test_a_name_of_another_charset_changes_nothing(web: str, key: str) -> None:
    answer = post(web, key, encoded(body_of(request()), "json"), {"Content-Type": "application/json; charset=utf-8"})
    assert answer.status == 200
    assert usage(web, key)["total"]["calls"] == 1


def test_the_limit_of_requests_is_429_with_a_time_to_retry(project: Project, tmp_path: Path) -> None:
    limited = {name: keys.create_key(project, name=name, scopes=["ingest"]) for name in ENCODINGS}
    with own_server(tmp_path / "log", TLOI_RATE_LIMIT="3") as server:
        for name, key in limited.items():
            body = b"{}" if name == "json" else b""
            answers = [post(server.address, key, body, ENCODINGS[name]) for _ in range(8)]
            late = [answer for answer in answers if answer.status == 429]
            assert late
            assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in late)


def test_prompts_and_answers_are_not_kept(web: str, project: Project, key: str) -> None:
    record = request(1, {"prompt": "the secret words", "tool.arguments": "the secret words", "session.id": "s"})
    assert post(web, key, encoded(body_of(record), "json"), JSON).status == 200
    (row,) = Call.objects.filter(project_id=project.pk)
    kept = [str(getattr(row, field.name)) for field in Call._meta.concrete_fields]
    assert not any("secret" in text for text in kept)


def test_a_project_that_asks_for_it_keeps_what_was_said(web: str, project: Project, key: str) -> None:
    Project.objects.filter(pk=project.pk).update(keep_content=True)
    record = request(1, {"prompt": "the words " * 1000, "gen_ai.output.messages": "an answer", "session.id": "s"})
    assert post(web, key, encoded(body_of(record), "json"), JSON).status == 200
    (row,) = Call.objects.filter(project_id=project.pk)
    content = (row.attributes or {})["content"]
    assert content == {"prompt": ("the words " * 1000)[:4096], "gen_ai.output.messages": "an answer"}


def test_what_arrives_and_what_is_refused_is_noted_by_dialect(web: str, project: Project, key: str) -> None:
    post(web, key, encoded(body_of(request(1), request(2, {"output_tokens": "many"})), "json"), JSON)
    post(web, key, b"{nonsense", JSON)
    assert [seen.source for seen in SourceSeen.objects.filter(project_id=project.pk)] == ["otlp:claude-code"]
    refused = RejectedReason.objects.filter(project_id=project.pk).order_by("source")
    assert [(one.source, one.count, "output_tokens" in one.reason) for one in refused] == [
        ("otlp", 1, False),
        ("otlp:claude-code", 1, True),
    ]
