"""Bodies of many new records for every address that takes any: what no room that is left in pages can hold."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

MANY = 3000


def large_bodies() -> dict[str, bytes]:
    """By address, JSON that was never sent before."""
    run = uuid.uuid4().hex
    names = [f"{run}-{n}" for n in range(MANY)]
    agent = {"resource": {"attributes": _said({"service.name": "claude-code"})}}
    scope = {"scope": {"name": "com.anthropic.claude_code"}}
    return {
        "/api/v1/calls/": json.dumps([_call(name) for name in names]).encode(),
        "/api/v1/executions/": json.dumps([_execution(name) for name in names]).encode(),
        "/api/v1/litellm/": json.dumps([_payload(name) for name in names]).encode(),
        "/v1/traces": _otlp("resourceSpans", {}, "scopeSpans", {"spans": [_span() for _ in names]}),
        "/v1/logs": _otlp("resourceLogs", agent, "scopeLogs", scope | {"logRecords": [_log(name) for name in names]}),
        "/v1/metrics": _otlp("resourceMetrics", agent, "scopeMetrics", scope | {"metrics": [_metric(names)]}),
    }


def _call(name: str) -> dict[str, Any]:
    return {"id": name, "started_at": datetime.now(UTC).isoformat(), "model": "m", "output": 1}


def _execution(name: str) -> dict[str, Any]:
    return {"id": name, "started_at": datetime.now(UTC).isoformat(), "task_type": name}


def _payload(name: str) -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()
    tokens = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": name, "startTime": now, "endTime": now, "model": "m", "call_type": "completion"} | tokens


def _span() -> dict[str, Any]:
    ids = {"traceId": uuid.uuid4().hex, "spanId": uuid.uuid4().hex[:16]}
    times = {"startTimeUnixNano": _now(), "endTimeUnixNano": _now()}
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1}
    return {"name": "chat m", **ids, **times, "attributes": _said(said)}


def _log(name: str) -> dict[str, Any]:
    said = {"event.name": "api_request", "model": "m", "input_tokens": 1, "request_id": name}
    return {"timeUnixNano": _now(), "body": {"stringValue": "claude_code.api_request"}, "attributes": _said(said)}


def _metric(names: list[str]) -> dict[str, Any]:
    moment = {"timeUnixNano": _now(), "startTimeUnixNano": _now(), "asInt": "1"}
    said = ({"type": "input", "model": "m", "session.id": name} for name in names)
    points = [moment | {"attributes": _said(one)} for one in said]
    total = {"dataPoints": points, "aggregationTemporality": 1, "isMonotonic": True}
    return {"name": "claude_code.token.usage", "sum": total}


def _otlp(name: str, resource: dict[str, Any], scopes: str, scope: dict[str, Any]) -> bytes:
    return json.dumps({name: [resource | {scopes: [scope]}]}).encode()


def _said(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in attributes.items()
    ]


def _now() -> str:
    return str(int(datetime.now(UTC).timestamp() * 10**9))
