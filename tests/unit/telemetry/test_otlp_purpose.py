"""What OTLP says a call is for: named on the record, or for everything that a process sends."""

from __future__ import annotations

from telemetry.contracts import Call
from telemetry.sources.otlp.reading import read_logs, read_spans
from telemetry.sources.otlp.records import Log
from tests.spans import NOON, span

COUNTED = {"gen_ai.request.model": "gpt-5", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2}


def objectives(calls: list[Call]) -> list[str]:
    return [call.objective for call in calls]


def test_an_attribute_of_the_resource_names_the_objective_and_one_of_the_span_comes_first() -> None:
    resource = {"service.name": "shop", "tloi.objective": "O1-KR2"}
    spans = [
        span(COUNTED, span_id="d" * 16, resource=resource),
        span({**COUNTED, "tloi.objective": "O2"}, span_id="b" * 16, resource=resource),
        span({**COUNTED, "objective": "what somebody asked an agent for"}, span_id="c" * 16),
    ]
    heard = read_spans(spans)
    assert [objectives(one.calls) for one in heard.values() if one.calls] == [["O1-KR2", "O2", ""]]


def test_a_run_at_the_root_of_a_trace_and_an_event_of_an_agent_bear_it_too() -> None:
    resource = {"service.name": "claude-code", "tloi.objective": "O1"}
    root = span({"gen_ai.operation.name": "invoke_agent"}, parent_id="", resource={"tloi.objective": "O1"})
    (run,) = [run for one in read_spans([root]).values() for run in one.executions]
    assert run.objective == "O1"
    known = {"model": "m", "input_tokens": 1, "request_id": "r", "session.id": "s"}
    log = Log(
        resource=resource, scope="", name="claude_code.api_request", attributes=known, trace_id="", span_id="", at=NOON
    )
    assert objectives(read_logs([log])["claude-code"].calls) == ["O1"]
