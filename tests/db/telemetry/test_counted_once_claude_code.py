"""Claude Code behind a gateway that hides the request's id: event and transcript are the same call all the same."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from telemetry.contracts import Call
from telemetry.sources import claude_code
from telemetry.sources.otlp.dialects import claude_code as events
from telemetry.sources.otlp.records import Log
from tests.ledger_reading import new_tenant, send, sums
from tests.transcripts import SESSION, assistant

pytestmark = pytest.mark.usefixtures("database")
AT = datetime(2026, 11, 1, 10, 0, 3, tzinfo=UTC)


def by_transcript(*requests: str, output: int = 100) -> list[Call]:
    """The calls of a transcript whose lines bear no request's id, one response each."""
    lines = [assistant(None, output, uuid=name, message={"id": f"msg_{name}"}) for name in requests]
    return list(claude_code.read(lines, file_name=f"{SESSION}.jsonl", host="h", state={}).calls)


def by_event(*numbers: int, output: int = 120) -> list[Call]:
    """The calls of events without a request's id."""
    told: dict[str, Any] = {"model": "claude-sonnet-4-5-20250929", "session.id": SESSION, "output_tokens": output}
    told |= {"input_tokens": 10, "cache_read_tokens": 1_000, "cache_creation_tokens": 250}
    logs = [
        Log(
            resource={},
            scope="com.anthropic.claude_code.events",
            name="api_request",
            attributes={**told, "event.sequence": number},
            trace_id="",
            span_id="",
            at=AT,
        )
        for number in numbers
    ]
    calls = [events.read_log(log) for log in logs]
    return [call for call in calls if isinstance(call, Call)]


@pytest.mark.parametrize("order", list(itertools.permutations(("event", "transcript"))), ids=" ".join)
def test_two_requests_told_twice_without_their_ids_are_two_calls(order: tuple[str, ...]) -> None:
    tenant = new_tenant()
    for route in (*order, *order):
        if route == "event":
            send(tenant, by_event(1, 2), source="otlp:claude-code")
        else:
            send(tenant, by_transcript("a", "b"), source="claude-code")
    found = sums(tenant)
    assert (found.calls, found.output, found.cache_read) == (2, 240, 2_000)
    assert (found.cache_write_5m, found.cache_write_1h, found.cache_write_unknown) in ((400, 100, 0), (0, 0, 500))


def test_a_request_with_its_id_is_known_by_that_alone() -> None:
    (call,) = claude_code.read([assistant("req_1")], file_name="s.jsonl", host="h", state={}).calls
    assert (call.id, call.aliases, call.likeness) == ("req_1", ("msg_req_1",), "")
