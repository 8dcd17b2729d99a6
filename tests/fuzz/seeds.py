"""What every decoder is given before it is made worse: one good body or file of each kind that it knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests import chats, rollouts, transcripts
from tests.conftest import SHARED_DATA
from tests.otlp_replay import CAPTURED, captured

SIGNALS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
Attributes = dict[str, Any]
NOON_NS = "1793534400000000000"
STAMP = "2026-11-01T12:00:00.000Z"
_MOST_BYTES = 4_000  # of a captured body, so that cases are quick
_IDS = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
_CLAUDE: Attributes = {"session.id": "s-1", "model": "claude-sonnet-4-5", "request_id": "req_1", "duration_ms": 1500}
_CLAUDE |= {"input_tokens": 10, "output_tokens": 100, "cache_read_tokens": 1000, "cache_creation_tokens": 250}
_CLAUDE |= {"cache_creation_5m_tokens": 50, "cost_usd": 0.0123, "ttft_ms": 300, "speed": "fast", "prompt.id": "p-1"}
_CODEX: Attributes = {
    "event.kind": "response.completed",
    "conversation.id": "c-1",
    "model": "gpt-5",
    "event.timestamp": STAMP,
}
_CODEX |= {"input_token_count": 900, "cached_token_count": "500", "output_token_count": 90, "reasoning_token_count": 9}
_GEMINI: Attributes = {
    "session.id": "g-1",
    "prompt_id": "g-1########0",
    "model": "gemini-2.5-pro",
    "event.timestamp": STAMP,
}
_GEMINI |= {"input_token_count": 901, "output_token_count": 55, "cached_content_token_count": 512, "duration_ms": 900}
_GEMINI |= {"thoughts_token_count": 120, "tool_token_count": 7, "total_token_count": 1083}
_GENERIC: Attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
}
_GENERIC |= {"gen_ai.response.id": "chatcmpl-1", "gen_ai.usage.input_tokens": 90, "gen_ai.usage.output_tokens": 9}
_GENERIC |= {"gen_ai.usage.cache_read.input_tokens": 50, "gen_ai.conversation.id": "c-1", "gen_ai.agent.name": "a"}
_OLDER: Attributes = {
    "gen_ai.system": "Anthropic",
    "llm.request.type": "chat",
    "gen_ai.usage.prompt_tokens": 90,
    "x": [1, "2"],
}
_OLDER |= {"gen_ai.usage.completion_tokens": 9, "llm.usage.total_tokens": 99, "gen_ai.response.model": "claude-opus-4"}
_OPENINFERENCE: Attributes = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4o",
    "llm.token_count.prompt": 90,
}
_OPENINFERENCE |= {"llm.token_count.completion": 9, "llm.token_count.prompt_details.cache_read": 5, "session.id": "o"}
_VERCEL: Attributes = {"ai.operationId": "ai.streamText.doStream", "ai.model.id": "gpt-4o", "ai.usage.inputTokens": 90}
_VERCEL |= {"ai.usage.outputTokens": 9, "ai.response.id": "r", "ai.response.providerMetadata": '{"openai": {"x": 1}}'}
_LITELLM: Attributes = {"litellm.call_id": "cd49e8f6-a2f7-485b-8f84-892ccee281f1", "gen_ai.cost.total_cost": 0.01}
_LITELLM |= {"metadata.usage_object": "{'cached_tokens': 12}", "litellm.provider.model": "openai/gpt-5"}
_OPENCLAW: Attributes = {
    "openclaw.provider": "anthropic",
    "openclaw.model": "claude-opus-4",
    "openclaw.tokens.input": 9,
}
_TURN: Attributes = {"turn.id": "t-1", "thread.id": "c-1", "model": "gpt-5", "codex.turn.token_usage.input_tokens": 90}
_TURN |= {"codex.turn.token_usage.output_tokens": 9, "codex.turn.token_usage.cached_input_tokens": 50}


def pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP/JSON writes them."""
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue"}
    return {kinds.get(type(value), "stringValue"): str(value) if type(value) is int else value}


def export(signal: str, service: str, scope: str, *records: Mapping[str, Any]) -> dict[str, Any]:
    """A body of one resource and one scope."""
    group, scoped, kept = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
        "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    }[signal]
    resource = {"attributes": pairs({"service.name": service, "host.name": "laptop"})}
    return {group: [{"resource": resource, scoped: [{"scope": {"name": scope}, kept: list(records)}]}]}


def span(name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A span of a second."""
    times = {"startTimeUnixNano": NOON_NS, "endTimeUnixNano": str(int(NOON_NS) + 10**9)}
    return {"name": name, **_IDS, **times, "attributes": pairs(attributes), "status": {"code": 1}}


def log(name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A log record."""
    named = pairs({"event.name": name, **attributes})
    return {"timeUnixNano": NOON_NS, "body": {"stringValue": name}, "attributes": named, **_IDS}


def metric(name: str, attributes: Mapping[str, Any], value: float = 42, *, delta: bool = False) -> dict[str, Any]:
    """A metric of one number."""
    point = {"startTimeUnixNano": NOON_NS, "timeUnixNano": str(int(NOON_NS) + 10**9), "asDouble": value}
    data = {"aggregationTemporality": 1 if delta else 2, "isMonotonic": True}
    return {"name": name, "sum": {**data, "dataPoints": [{**point, "attributes": pairs(attributes)}]}}


def _texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Numbers as some exporters write them."""
    return {name: str(value) for name, value in attributes.items()}


def _exports() -> dict[str, list[dict[str, Any]]]:
    claude, request = "com.anthropic.claude_code", "claude_code.llm_request"
    usage = {"session.id": "s-1", "type": "cacheRead", "model": "claude-sonnet-4-5"}
    spans: list[tuple[str, str, Attributes]] = [
        ("chat", "opentelemetry", _GENERIC),
        ("chat", "openinference.x", _OPENINFERENCE),
    ]
    spans += [("openai.chat", "opentelemetry.instrumentation.openai.v1", _OLDER), ("ai.doStream", "ai", _VERCEL)]
    spans += [("litellm_request", "litellm", _LITELLM | _GENERIC), ("openclaw.model.usage", "openclaw", _OPENCLAW)]
    return {
        "traces": [
            export("traces", "claude-code", claude, span("x", {}), span(request, _CLAUDE)),
            export("traces", "codex_exec", "codex", span("session_task.turn", _TURN)),
            *(export("traces", "shop", scope, span(name, attributes)) for name, scope, attributes in spans),
        ],
        "logs": [
            export("logs", "claude-code", claude, log("api_request", _CLAUDE), log("user_prompt", _CLAUDE)),
            export("logs", "claude-code", claude, log("claude_code.api_request", _texts(_CLAUDE))),
            export("logs", "codex_exec", "codex", log("codex.sse_event", _CODEX)),
            export("logs", "gemini-cli", "", log("gemini_cli.api_response", _GEMINI)),
            export("logs", "gemini-cli", "", log("gemini_cli.api_response", _texts(_GEMINI))),
        ],
        "metrics": [
            export("metrics", "claude-code", claude, metric("claude_code.token.usage", usage, delta=True)),
            export("metrics", "gemini-cli", "", metric("gemini_cli.token.usage", {"session.id": "g", "type": "input"})),
        ],
    }


def otlp(signal: str, *, is_json: bool) -> list[bytes]:
    """Bodies of one signal, those of real agents among them where they are at hand."""
    texts = [json.dumps(body) for body in _exports()[signal]]
    if is_json:
        return [text.encode() for text in texts] + _captured(signal, "application/json")
    made = [json_format.Parse(text, SIGNALS[signal]()).SerializeToString() for text in texts]
    return made + _captured(signal, "application/x-protobuf")


def _captured(signal: str, content_type: str) -> list[bytes]:
    folders = sorted(path.name for path in CAPTURED.glob("*")) if SHARED_DATA.is_dir() else []
    return [
        one.body
        for folder in folders
        for one in captured(folder, signal)
        if one.headers["content-type"] == content_type
        and "gzip" not in one.headers.get("content-encoding", "")
        and len(one.body) < _MOST_BYTES
    ][:4]


def _lines(*lines: bytes) -> bytes:
    return b"\n".join(lines)


def _claude_code() -> list[bytes]:
    advisor = {"iterations": [{"type": "advisor_message", "model": "claude-opus-4-5", "input_tokens": 5}]}
    advised = transcripts.assistant("req_3", counts=advisor, costUSD=0.01)
    plain = (transcripts.user(), transcripts.assistant(), transcripts.tool_result(), transcripts.assistant("req_2"))
    unnamed = transcripts.assistant(None, promptId="prompt-12345678", agentId="a-1")
    return [_lines(*plain), _lines(transcripts.user(promptId="prompt-12345678"), advised, unnamed)]


def _codex() -> list[bytes]:
    turn = rollouts.uuid7(1, 9)
    head = (rollouts.meta(), rollouts.started(turn), rollouts.context(turn_id=turn))
    counted = (rollouts.counted((900, 500, 90, 9), (900, 500, 90, 9)), rollouts.counted((1900, 900, 190, 19), at=2))
    done = rollouts.event("task_complete", turn_id=turn, duration_ms=1500, at=3)
    recorded = rollouts.record("resp_1", (900, 500, 90, 9), written=3)
    settings = rollouts.event(
        "thread_settings_applied", thread_settings={"model": "gpt-5", "service_tier": "fast", "model_provider_id": "x"}
    )
    message = rollouts.line("inter_agent_communication_metadata", {"trigger_turn": True}, at=31)
    child = (rollouts.spawned(), *head, *counted, message, rollouts.started("", at=32), *counted)
    return [_lines(*head, *counted, done), _lines(*head, settings, recorded, done), _lines(*child), _lines(*counted)]


def _gemini() -> list[bytes]:
    said = (chats.header(), chats.asked(), chats.gemini(), chats.patch(chats.gemini(output=99), chats.asked()))
    document = json.loads(chats.header()) | {"messages": [json.loads(chats.asked()), json.loads(chats.gemini())]}
    return [_lines(*said), json.dumps(document).encode()]


def _openclaw() -> list[bytes]:
    usage = {"cacheWrite1h": 50, "reasoning": 7}
    named = chats.assistant(usage=usage, responseId="resp_1", responseModel="claude-opus-4-5-20251101")
    branched = chats.session(parentSession="other")
    return [_lines(chats.session(), chats.prompt(), chats.assistant()), _lines(branched, chats.prompt(), named)]


def _opencode() -> list[bytes]:
    tokens: Attributes = {"input": 10, "output": 100, "reasoning": 40, "cache": {"read": 1000, "write": 200}}
    time = {"created": 1_793_527_200_000, "completed": 1_793_527_204_000}
    message: Attributes = {
        "id": "msg_1",
        "sessionID": "ses_1",
        "role": "assistant",
        "parentID": "msg_0",
        "modelID": "m",
    }
    first = message | {"providerID": "anthropic", "cost": 0.01, "tokens": tokens, "time": time, "path": {"cwd": "/x"}}
    return [json.dumps(first).encode()]


def _orchestrate() -> list[bytes]:
    entry: Attributes = {"task_id": "t-1", "tool": "build", "action": "run", "started_at": STAMP, "execution_time": 1.5}
    entry |= {"tokens": {"input": 9, "output": 3}, "status": "done", "errors": ["x"], "skills": "a, b", "note": "n"}
    return [json.dumps([entry, entry]).encode(), json.dumps({"t-1": entry, "t-2": [entry]}).encode()]


def litellm() -> list[bytes]:
    """What LiteLLM's webhook posts."""
    details: Attributes = {"cached_tokens": 8000, "cache_creation_token_details": {"ephemeral_5m_input_tokens": 100}}
    usage: Attributes = {"prompt_tokens": 8320, "prompt_tokens_details": details, "cache_creation_input_tokens": 300}
    payload: Attributes = {
        "id": "chatcmpl-1",
        "litellm_call_id": "cd49e8f6-a2f7-485b-8f84-892ccee281f1",
        "call_type": "completion",
    }
    payload |= {"status": "success", "custom_llm_provider": "anthropic", "startTime": 1_793_534_400.0}
    payload |= {"endTime": 1_793_534_401.5, "model": "anthropic/claude-sonnet-4-5", "response_cost": 0.004785}
    payload |= {"prompt_tokens": 8320, "completion_tokens": 50, "metadata": {"usage_object": usage}, "end_user": None}
    return [json.dumps(payload).encode(), json.dumps([payload, payload]).encode()]


def calls() -> list[bytes]:
    """Bodies of `/api/v1/calls/`."""
    call: Attributes = {
        "id": "c-1",
        "started_at": STAMP,
        "model": "gpt-5",
        "input_uncached": 9,
        "cache_read": 5,
        "output": 3,
    }
    call |= {
        "reasoning": 1,
        "cost_usd": "0.0123",
        "cost_kind": "provider",
        "duration_ms": 900,
        "quality": ["turn_level"],
    }
    call |= {"aliases": ["a"], "likeness": "l", "session_id": "s", "attributes": {"a": {"b": [1, None]}}, "unknown": 1}
    return [json.dumps([call, call]).encode(), json.dumps(call).encode(), _lines(*[json.dumps(call).encode()] * 2)]


def executions() -> list[bytes]:
    """Bodies of `/api/v1/executions/`."""
    run: Attributes = {
        "execution_id": "e-1",
        "task_id": "t",
        "started_at": STAMP,
        "model": "gpt-5",
        "execution_time": 1.5,
    }
    run |= {"tokens_input": 9, "tokens_output": 3, "cache_read": 1, "errors": ["x"], "skills": ["a"], "session_id": "s"}
    return [json.dumps([run, run]).encode(), json.dumps(run).encode()]


_INVOICES = (
    "usage_date_utc,model,cost_usd\n" + "2026-11-01,claude-opus-4-5,1.25\n" * 3,
    "Date,Slug,Usage,BYOK Usage\n2026-11-01,anthropic/claude-opus-4.5,0.0123,0\n2026-11-02,openai/gpt-5,1e-3,0\n",
    "created_at;model_permaslug;cost_total\n2026-11-01 12:00:00.000;openai/gpt-5;0.000123\n",
    'day,model,amount\n2026-11-01,"my, own",$99999999\n' + "2026-11-01T01:00:00+02:00,x,-5\n" * 2,
)
INVOICES = tuple(text.encode() for text in _INVOICES)
FILES = {
    "claude-code": _claude_code,
    "codex": _codex,
    "gemini": _gemini,
    "openclaw": _openclaw,
    "opencode": _opencode,
    "orchestrate": _orchestrate,
}
