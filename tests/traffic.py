"""Requests as each route tells them: what is sent to the product, and the copy that the books note of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.test import Client

from telemetry.database import connection
from telemetry.ledger.ingest import ingest
from telemetry.models import Project
from telemetry.sources import Reader, claude_code, codex
from tests import rollouts, transcripts
from tests.conservation import Copy, Totals, Usage, moment
from tests.fuzz.seeds import export, metric, pairs
from tests.litellm_payloads import payload

SONNET, GPT = "claude-sonnet-4-5", "gpt-5"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a model, as it really was. `place` tells it from others of its kind."""

    place: int
    second: int
    session: str
    usage: Usage

    def seen_early(self) -> Request:
        """The same request while its answer was still coming."""
        return replace(self, usage=replace(self.usage, output=self.usage.output // 2))

    @property
    def name(self) -> str:
        """The provider's id of it."""
        return f"req_{self.place:06d}_of_the_provider"

    @property
    def cost_usd(self) -> Decimal:
        """What a client estimates, which is never what we compute."""
        return Decimal(1_000_003 + self.place) / 10**9


@dataclass(frozen=True, slots=True)
class Wire:
    """The ways into one project."""

    project: Project
    key: str
    client: Client

    def post(self, path: str, body: Any) -> None:
        """Send JSON; all of it is taken."""
        text = body if isinstance(body, bytes) else json.dumps(body)
        answer = self.client.post(path, text, content_type=JSON, headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status_code == 200, answer.content
        said = answer.json()
        assert not said.get("rejected")
        assert not said.get("partialSuccess")

    def read_file(self, read: Reader, source: str, *lines: bytes) -> None:
        """Import lines of a file."""
        reading = read(lines, file_name="a.jsonl", host="laptop", state={})
        assert not reading.unreadable
        into: dict[str, Any] = {"project_id": self.project.pk, "source": source, "now": datetime.now(UTC)}
        receipt = ingest(connection(), calls=reading.calls, executions=reading.executions, **into)
        assert not receipt.rejected
        assert not receipt.quarantined


Route = Callable[[Wire, Request], Sequence[Copy]]


def nanoseconds(second: float) -> str:
    """That moment as OTLP writes it."""
    return str(int(moment(0).timestamp() + second) * 10**9)


def _copy(request: Request, *names: str, **fields: Any) -> Copy:
    shared: dict[str, Any] = {"second": request.second, "session": request.session, "usage": request.usage}
    return Copy(names=names, **{**shared, "model": SONNET, **fields})


def _cost(request: Request, kind: int = 1) -> tuple[int, int]:
    return kind, int(request.cost_usd * 10**9)


def _claude_attributes(request: Request) -> dict[str, Any]:
    usage = request.usage
    return {
        "model": SONNET,
        "request_id": request.name,
        "session.id": request.session,
        "input_tokens": str(usage.uncached),
        "output_tokens": usage.output,
        "cache_read_tokens": usage.read,
        "cache_creation_tokens": usage.write_5m + usage.write_1h,
        "duration_ms": 2_000,
    }


def claude_log(wire: Wire, request: Request) -> Sequence[Copy]:
    """Claude Code's event, which is written when the request ends, and does not tell cache writes apart."""
    attributes = {"event.name": "api_request", "cost_usd": float(request.cost_usd), **_claude_attributes(request)}
    record = {"timeUnixNano": nanoseconds(request.second + 2), "attributes": pairs(attributes)}
    wire.post("/v1/logs", export("logs", "claude-code", "com.anthropic.claude_code.events", record))
    usage = replace(
        request.usage, write_5m=0, write_1h=0, write_unknown=request.usage.write_5m + request.usage.write_1h
    )
    return [_copy(request, request.name, usage=usage, cost=_cost(request))]


def claude_spans(wire: Wire, request: Request) -> Sequence[Copy]:
    """Claude Code's span of the request, below one that repeats its tokens."""
    written = {"cache_creation_5m_tokens": request.usage.write_5m, "cache_creation_1h_tokens": request.usage.write_1h}
    attributes = {**_claude_attributes(request), **written}
    child = _span("claude_code.llm_request", request, attributes, parent=_span_id(request, 1))
    parent = _span("claude_code.interaction", request, attributes, own=_span_id(request, 1))
    wire.post("/v1/traces", export("traces", "claude-code", "com.anthropic.claude_code", parent, child))
    return [_copy(request, request.name)]


def transcript(wire: Wire, request: Request) -> Sequence[Copy]:
    """Claude Code's transcript: a line while the answer came, and a line at its end."""
    usage = request.usage
    counts = {"input_tokens": usage.uncached, "cache_read_input_tokens": usage.read}
    counts |= {"cache_creation_input_tokens": usage.write_5m + usage.write_1h}
    split = {"ephemeral_5m_input_tokens": usage.write_5m, "ephemeral_1h_input_tokens": usage.write_1h}
    changes: dict[str, Any] = {"sessionId": request.session, "timestamp": moment(request.second).isoformat()}
    lines = [
        transcripts.assistant(request.name, output, counts={**counts, "cache_creation": split}, **changes)
        for output in (1, usage.output)
    ]
    wire.read_file(claude_code.read, "claude-code", *lines)
    return [_copy(request, request.name)]


def by_api(wire: Wire, request: Request) -> Sequence[Copy]:
    """A call that somebody posts, with what the provider charged."""
    wire.post(
        "/api/v1/calls/", [_call(request, id=request.name, cost_usd=str(request.cost_usd), cost_kind="provider")] * 2
    )
    return [_copy(request, request.name, cost=_cost(request, 2))]


def by_api_without_session(wire: Wire, request: Request) -> Sequence[Copy]:
    """A call of which the sender knows neither the session nor the cost."""
    wire.post("/api/v1/calls/", _call(request, id=request.name, session_id=""))
    return [_copy(request, request.name, session="")]


def _call(request: Request, **fields: Any) -> dict[str, Any]:
    usage = request.usage
    return {
        "started_at": moment(request.second).isoformat(),
        "model": SONNET,
        "provider": "anthropic",
        "session_id": request.session,
        "input_uncached": usage.uncached,
        "cache_read": usage.read,
        "cache_write_5m": usage.write_5m,
        "cache_write_1h": usage.write_1h,
        "output": usage.output,
        "reasoning": usage.reasoning,
        **fields,
    }


def codex_log(wire: Wire, request: Request) -> Sequence[Copy]:
    """Codex's event, which bears no id of the response."""
    usage = request.usage
    at = moment(request.second).isoformat()
    attributes = {
        "event.name": "codex.sse_event",
        "event.kind": "response.completed",
        "event.timestamp": at,
        "conversation.id": request.session,
        "model": GPT,
        "input_token_count": usage.inputs,
        "cached_token_count": usage.read,
        "output_token_count": usage.output,
        "reasoning_token_count": usage.reasoning,
    }
    wire.post("/v1/logs", export("logs", "codex_exec", "codex", {"attributes": pairs(attributes)}))
    return [_alike(request, f"{at} {_counts(usage)}", "log")]


def rollout(wire: Wire, request: Request) -> Sequence[Copy]:
    """Codex's own file, which has the response's id."""
    usage, at = request.usage, (moment(request.second) - rollouts.NOON).total_seconds() / 60
    head = rollouts.meta(request.session, at=at, made=at)
    counts = (usage.inputs, usage.read, usage.output, usage.reasoning)
    record = rollouts.record(request.name, counts, thread=request.session, at=at)
    wire.read_file(codex.read, "codex", head, rollouts.context(GPT, at=at), record, record)
    return [_alike(request, request.name, "file")]


def _counts(usage: Usage) -> str:
    return f"{usage.inputs} {usage.read} {usage.output}"


def _alike(request: Request, name: str, route: str) -> Copy:
    likeness = f"{request.session} {_counts(request.usage)}"
    return _copy(request, name, model=GPT, likeness=likeness, route=route)


def agents_spans(wire: Wire, request: Request) -> Sequence[Copy]:
    """Spans of a library: an agent's, which repeats the tokens of all its calls, above that of the request."""
    return _nested_spans(wire, request, operation="invoke_agent")


def nested_spans(wire: Wire, request: Request) -> Sequence[Copy]:
    """Spans of a library that nobody knows: one that bears the same tokens again, above that of the request."""
    return _nested_spans(wire, request, operation="")


def _nested_spans(wire: Wire, request: Request, *, operation: str) -> Sequence[Copy]:
    usage = request.usage
    attributes = {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": SONNET,
        "gen_ai.response.id": request.name,
        "gen_ai.conversation.id": request.session,
        "gen_ai.usage.input_tokens": usage.uncached + usage.read,
        "gen_ai.usage.cache_read.input_tokens": usage.read,
        "gen_ai.usage.output_tokens": usage.output,
    }
    child = _span("chat", request, {**attributes, "gen_ai.operation.name": "chat"}, parent=_span_id(request, 1))
    run = {**attributes, "gen_ai.operation.name": operation, "gen_ai.response.id": ""}
    parent = _span(operation or "run", request, run, own=_span_id(request, 1))
    wire.post("/v1/traces", export("traces", "shop", "agents", parent, child))
    return [_copy(request, request.name)]


def webhook(wire: Wire, request: Request) -> Sequence[Copy]:
    """LiteLLM's own account of it, under an id of LiteLLM's and the response's."""
    usage, own = request.usage, str(uuid.UUID(int=2**100 + request.place))
    details = {"cached_tokens": usage.read}
    body = payload(
        id=request.name,
        litellm_call_id=own,
        session_id=request.session,
        startTime=moment(request.second).timestamp(),
        model=f"anthropic/{SONNET}",
        response_cost=float(request.cost_usd),
        prompt_tokens=usage.uncached + usage.read,
        completion_tokens=usage.output,
        metadata={"usage_object": {"prompt_tokens_details": details}},
    )
    wire.post("/api/v1/litellm/", [body, body])
    return [_copy(request, own, request.name, cost=_cost(request))]


def by_another_name(wire: Wire, request: Request) -> Sequence[Copy]:
    """A sender that knows an id of its own only: another call, until somebody tells that both are one."""
    name = f"{request.name}-of-mine"
    wire.post("/api/v1/calls/", _call(request, id=name))
    return [_copy(request, name)]


def by_both_names(wire: Wire, request: Request) -> Sequence[Copy]:
    """A sender that knows both ids."""
    name = f"{request.name}-of-mine"
    wire.post("/api/v1/calls/", _call(request, id=name, aliases=[request.name]))
    return [_copy(request, name, request.name)]


CLAUDE: tuple[Route, ...] = (claude_log, claude_spans, transcript, by_api, by_api_without_session)
CODEX: tuple[Route, ...] = (codex_log, rollout)
PLAIN: tuple[Route, ...] = (by_api, by_api_without_session, by_another_name, by_both_names)
GATEWAY: tuple[Route, ...] = (agents_spans, nested_spans, webhook, by_another_name, by_both_names)


def _span(
    name: str, request: Request, attributes: Mapping[str, Any], *, parent: str = "", own: str = ""
) -> dict[str, Any]:
    times = {"startTimeUnixNano": nanoseconds(request.second), "endTimeUnixNano": nanoseconds(request.second + 2)}
    ids = {"traceId": f"{request.place + 1:032x}", "spanId": own or _span_id(request, 2), "parentSpanId": parent}
    return {"name": name, **ids, **times, "attributes": pairs(attributes)}


def _span_id(request: Request, number: int) -> str:
    return f"{request.place * 16 + number:016x}"


def send_totals(wire: Wire, totals: Totals) -> None:
    """Post an execution with its totals."""
    usage = totals.usage
    body = {
        "execution_id": totals.execution,
        "started_at": moment(totals.second).isoformat(),
        "session_id": totals.session,
        "model": totals.model,
        "tokens_input": usage.inputs,
        "cache_read": usage.read,
        "cache_write": usage.write_unknown,
        "tokens_output": usage.output,
        **({} if totals.seconds is None else {"execution_time": totals.seconds}),
    }
    wire.post("/api/v1/executions/", body)


def send_counter(wire: Wire, session: str, kind: str, second: int, value: int, *, delta: bool) -> None:
    """Export one counter of a session of Claude Code: since START, or from moment to moment."""
    named = {"session.id": session, "type": kind, "model": SONNET}
    body = metric("claude_code.token.usage", named, value, delta=delta)
    (point,) = body["sum"]["dataPoints"]
    point["startTimeUnixNano"] = nanoseconds(second if delta else 0)
    point["timeUnixNano"] = nanoseconds(second + 1)
    wire.post("/v1/metrics", export("metrics", "claude-code", "com.anthropic.claude_code", body))
