"""Lines as Claude Code writes them, for tests that need a transcript of their own."""

from __future__ import annotations

import json
from typing import Any

SESSION = "11111111-2222-4333-8444-555555555555"


def usage(output: int = 100, **changes: Any) -> dict[str, Any]:
    """Anthropic's usage: 10 uncached, 1,000 read from the cache, 200 + 50 written to it."""
    return {
        "input_tokens": 10,
        "cache_read_input_tokens": 1_000,
        "cache_creation_input_tokens": 250,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 50},
        "output_tokens": output,
        "service_tier": "standard",
    } | changes


def assistant(request: str | None = "req_1", output: int = 100, *, at: str = "10:00:00", **changes: Any) -> bytes:
    """One line of a response. `changes` of the line's fields; `message` and `counts` change what lies deeper."""
    message = {
        "id": f"msg_{request}",
        "model": "claude-sonnet-4-5-20250929",
        "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "said"}],
        "usage": usage(output, **changes.pop("counts", {})),
    } | changes.pop("message", {})
    line = {
        "type": "assistant",
        "uuid": f"line-{request}-{output}",
        "sessionId": SESSION,
        "requestId": request,
        "timestamp": f"2026-11-01T{at}.000Z",
        "isSidechain": False,
        "cwd": "/home/ana/shop",
        "gitBranch": "main",
        "version": "2.1.42",
        "message": message,
    } | changes
    return json.dumps({name: value for name, value in line.items() if value is not None}).encode()


def user(content: Any = "please do", *, uuid: str = "prompt-1", at: str = "09:59:00", **changes: Any) -> bytes:
    """One line in a person's name."""
    line = {
        "type": "user",
        "uuid": uuid,
        "sessionId": SESSION,
        "timestamp": f"2026-11-01T{at}.000Z",
        "isSidechain": False,
        "message": {"role": "user", "content": content},
    }
    return json.dumps(line | changes).encode()


def tool_result(**changes: Any) -> bytes:
    """The user line that gives a tool's result back."""
    return user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}], uuid="result", **changes)
