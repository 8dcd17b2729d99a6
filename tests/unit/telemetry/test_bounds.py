"""What the fuzz found: texts that look like numbers, moments before all time, and names longer than their place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.contracts import MAX_TOKENS, Call, Execution
from telemetry.ledger.invoice_csv import BadInvoice, read_invoice
from telemetry.sources import claude_code, gemini, opencode, orchestrate
from telemetry.sources.otlp import wire
from telemetry.sources.otlp.dialects import claude_code as claude_code_events
from telemetry.sources.otlp.dialects import codex
from telemetry.sources.otlp.dialects import gemini as gemini_events
from telemetry.sources.otlp.records import BadRecord, Log, Span, count, written_at
from tests import chats, transcripts
from tests.opencode_data import answer

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LONG = "x" * 400


def log(name: str, **attributes: Any) -> Log:
    """An event with attributes whose dots are written as two underscores."""
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return Log(resource={}, scope="", name=name, attributes=named, trace_id="", span_id="", at=NOON)


def keeps_to_contract(record: Call | Execution | None) -> bool:
    """Whether a record is one that its own contract lets in."""
    assert record is not None
    return msgspec.convert(msgspec.to_builtins(record), type(record)) == record


@pytest.mark.parametrize("text", ["--5", "-", "5-", "٣", "1_0", "0x10", "+5"])
def test_a_text_that_looks_like_a_number_is_no_count(text: str) -> None:
    with pytest.raises(BadRecord, match="tokens is no count"):
        count({"tokens": text}, "tokens")


def test_a_moment_before_1970_is_no_moment() -> None:
    assert written_at("0001-01-01T00:00:00Z") is None
    assert written_at("1970-01-01T00:00:00Z") == datetime(1970, 1, 1, tzinfo=UTC)
    fields = {"event__timestamp": "0001-01-01T00:00:00Z", "duration_ms": 9, "input_token_count": 5}
    call = gemini_events.read_log(log("gemini_cli.api_response", **fields))
    assert call is not None
    assert call.started_at == NOON - timedelta(milliseconds=9)


def test_names_that_are_too_long_are_cut_to_their_place() -> None:
    claude = {"session__id": LONG, "prompt__id": LONG, "event__sequence": LONG, "model": LONG}
    assert keeps_to_contract(claude_code_events.read_log(log("api_request", **claude)))
    assert keeps_to_contract(claude_code_events.read_log(log("user_prompt", **claude)))
    named = {"session__id": LONG, "prompt_id": LONG, "input_token_count": 5}
    assert keeps_to_contract(gemini_events.read_log(log("gemini_cli.api_response", **named)))


def test_calls_of_a_long_session_are_still_told_apart_by_their_number() -> None:
    read = claude_code_events.read_log
    calls = [read(log("api_request", session__id=LONG, event__sequence=n, model="m")) for n in (1, 2)]
    assert len({call.id for call in calls if isinstance(call, Call)}) == 2


def test_a_turn_of_a_long_name_that_took_8000_years_has_no_duration() -> None:
    fields: dict[str, Any] = {"trace_id": "", "span_id": "", "parent_id": "", "resource": {}, "scope": ""}
    fields |= {"started_at": NOON, "duration_ns": 8000 * 365 * 86_400 * 10**9}
    turn = codex.read_span(Span(name="session_task.turn", attributes={"turn.id": LONG}, **fields))
    assert keeps_to_contract(turn)
    assert turn is not None
    assert turn.execution_time is None


def test_more_tokens_than_can_be_counted_are_refused() -> None:
    fields = {"output_token_count": MAX_TOKENS, "thoughts_token_count": 1}
    with pytest.raises(BadRecord, match="more tokens"):
        gemini_events.read_log(log("gemini_cli.api_response", **fields))
    chat = [chats.header(), chats.gemini(tokens={"output": MAX_TOKENS, "thoughts": 1}), chats.gemini("m2")]
    reading = gemini.read(chat, file_name="session-1.jsonl", host="laptop", state={})
    assert reading.unreadable == {"more tokens than can be counted": 1}
    assert len(reading.calls) == 1


def test_names_of_a_transcript_that_are_too_long_are_cut() -> None:
    advisor = {"iterations": [{"type": "advisor_message", "input_tokens": 5}]}
    lines = [
        transcripts.user(uuid="x" * 200),
        transcripts.assistant("r" * 300, uuid="line", message={"id": "m"}, counts=advisor),
        transcripts.assistant(None, message={"id": "m" * 200}, sessionId="s" * 200, counts=advisor),
    ]
    reading = claude_code.read(lines, file_name="a.jsonl", host="laptop", state={})
    assert len({call.id for call in reading.calls}) == 4
    assert all(keeps_to_contract(call) for call in reading.calls)
    assert all(keeps_to_contract(execution) for execution in reading.executions)


def test_ids_of_spans_of_any_length_are_read_and_zeros_are_none() -> None:
    request = ExportTraceServiceRequest()
    kept = request.resource_spans.add().scope_spans.add().spans
    for trace in (bytes(16), b"\1" * 24, b"\2" * 1000):
        kept.add(trace_id=trace)
    read = wire.spans(request.SerializeToString(), is_json=False).records
    assert [span.trace_id for span in read] == ["", "01" * 24, "02" * 32]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0" * 32}]}]}]}).encode()
    assert [span.trace_id for span in wire.spans(body, is_json=True).records] == [""]


def test_a_message_of_opencode_with_more_tokens_than_can_be_counted_is_refused() -> None:
    message = answer(id="msg_1", tokens={"input": 1, "output": MAX_TOKENS, "reasoning": 1})
    reading = opencode.read_document(json.dumps(message).encode(), file_name="msg_1.json", host="laptop")
    assert (reading.calls, reading.unreadable) == ((), {"more tokens than can be counted": 1})


def test_a_run_before_the_year_1_in_utc_is_unreadable_and_the_others_are_read() -> None:
    runs = [{"task_id": "t", "started_at": at} for at in ("0001-01-01T00:00:00+14:00", "2026-11-01T12:00:00Z")]
    reading = orchestrate.read_document(json.dumps(runs).encode(), file_name="execution_log.json", host="laptop")
    assert [execution.started_at for execution in reading.executions] == [NOON]
    assert reading.unreadable == {"a moment that is none": 1}


def test_an_invoice_of_believable_rows_that_adds_up_to_more_than_can_be_is_refused() -> None:
    row = "2026-11-01,m,99999999\n"
    assert read_invoice(b"day,model,cost\n" + row.encode()).amount_nanousd == 99_999_999 * 10**9
    with pytest.raises(BadInvoice, match="adds up to more"):
        read_invoice(b"day,model,cost\n" + row.encode() * 100)
