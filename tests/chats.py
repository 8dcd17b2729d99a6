"""Lines as Gemini CLI, OpenClaw and pi write them, for tests that need a chat or a session of their own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

CHAT = "9332ac0e-59d9-4a2b-aeac-caffe1f42e5b"
SESSION = "ffae836b-9420-4060-ac13-7745215f90ff"


def header(**changes: Any) -> bytes:
    """The line that begins a chat."""
    return json.dumps({"sessionId": CHAT, "projectHash": "12be", "startTime": stamp("10:00:00")} | changes).encode()


def patch(*messages: bytes, **changes: Any) -> bytes:
    """A line that replaces the messages of a chat, or something else of it."""
    whole = {"messages": [json.loads(message) for message in messages]} if messages else {}
    return json.dumps({"$set": whole | changes}).encode()


def gemini(
    name: str = "m1", output: int = 55, *, at: str = "10:00:05", tokens: dict[str, Any] | None = None, **changes: Any
) -> bytes:
    """A response: 901 in, of them 512 cached; 120 thoughts beside the output."""
    counts = {"input": 901, "output": output, "cached": 512, "thoughts": 120, "tool": 0, "total": 1_021 + output}
    message = {
        "id": name,
        "timestamp": stamp(at),
        "type": "gemini",
        "content": "said",
        "tokens": counts | (tokens or {}),
        "model": "gemini-2.5-pro",
    }
    return json.dumps(message | changes).encode()


def asked(content: Any = "please do", *, name: str = "p1", at: str = "10:00:01", **changes: Any) -> bytes:
    """A message in a person's name."""
    parts = [{"text": content}] if isinstance(content, str) else content
    return json.dumps({"id": name, "timestamp": stamp(at), "type": "user", "content": parts} | changes).encode()


def session(**changes: Any) -> bytes:
    """The line that begins a session."""
    line = {"type": "session", "version": 3, "id": SESSION, "timestamp": stamp("10:00:00"), "cwd": "/home/ana"}
    return json.dumps(line | changes).encode()


def assistant(output: int = 100, *, at: str = "10:00:05", usage: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A response that was asked for at 10:00:02: 10 in, 1,000 read from the cache and 200 written to it."""
    counts = {
        "input": 10,
        "output": output,
        "cacheRead": 1_000,
        "cacheWrite": 200,
        "cost": {"input": 0.00005, "output": 0.0025, "total": 0.004300000000000001},
    }
    message = {
        "role": "assistant",
        "provider": "anthropic",
        "model": "claude-opus-4-5",
        "content": [{"type": "text", "text": "said"}],
        "stopReason": "stop",
        "timestamp": milliseconds("10:00:02"),
        "usage": counts | (usage or {}),
    }
    line = {"type": "message", "id": "a1b2c3d4", "timestamp": stamp(at), "message": message | changes}
    return json.dumps(line).encode()


def prompt(*, at: str = "10:00:01", role: str = "user", **changes: Any) -> bytes:
    """A message of a person, or of another `role`."""
    message = {"role": role, "content": "please do", "timestamp": milliseconds(at)}
    return json.dumps({"type": "message", "id": "p1", "timestamp": stamp(at), "message": message | changes}).encode()


def stamp(time: str) -> str:
    """A moment of 1 November 2026 as these agents write it."""
    return f"2026-11-01T{time}.000Z"


def milliseconds(time: str) -> int:
    """The same in milliseconds since 1970."""
    return int(datetime.fromisoformat(f"2026-11-01T{time}").replace(tzinfo=UTC).timestamp() * 1000)
