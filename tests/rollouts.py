"""Lines as Codex CLI writes them, for tests that need a rollout of their own.

Ids are UUID 7, as Codex makes them: `uuid7(minute)` is one that was made that minute.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
Counts = tuple[int, int, int, int]


def moment(minute: float) -> datetime:
    """That many minutes after noon."""
    return NOON + timedelta(minutes=minute)


def uuid7(minute: float, tail: int = 1) -> str:
    """An id made `minute` minutes after noon."""
    made = f"{int(moment(minute).timestamp() * 1000):012x}"
    return f"{made[:8]}-{made[8:]}-7000-8000-{tail:012x}"


THREAD = uuid7(0)
CHILD = uuid7(30, 2)


def line(kind: str, payload: dict[str, Any], *, at: float = 1, **changes: Any) -> bytes:
    """A line written `at` that many minutes after noon."""
    stamp = moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"timestamp": stamp, "type": kind, "payload": payload} | changes).encode()


def event(kind: str, *, at: float = 1, **payload: Any) -> bytes:
    """A line that tells of an event."""
    return line("event_msg", {"type": kind} | payload, at=at)


def meta(thread: str = THREAD, *, at: float = 0, made: float = 0, **payload: Any) -> bytes:
    """The line that begins a file."""
    made_at = moment(made).isoformat().replace("+00:00", "Z")
    return line(
        "session_meta", {"id": thread, "timestamp": made_at, "cli_version": "0.104.0", "source": "cli"} | payload, at=at
    )


def spawned(parent: str = THREAD, child: str = CHILD, *, at: float = 30, **payload: Any) -> bytes:
    """The line that begins the file of a sub-agent, usually made half an hour after noon."""
    source = {"subagent": {"thread_spawn": {"parent_thread_id": parent, "depth": 1}}}
    return meta(child, at=at, made=at, **{"source": source, "session_id": THREAD} | payload)


def forked(parent: str = THREAD, child: str = CHILD, *, at: float = 30, **payload: Any) -> bytes:
    """The line that begins the file of a fork, usually made half an hour after noon."""
    return meta(child, at=at, made=at, **{"forked_from_id": parent} | payload)


def context(model: str = "gpt-5.3-codex", *, at: float = 1, **payload: Any) -> bytes:
    """The line that names the model of a turn."""
    return line("turn_context", {"model": model, "effort": "high"} | payload, at=at)


def started(turn: str, *, at: float = 1, **payload: Any) -> bytes:
    """A turn begins."""
    return event("task_started", at=at, turn_id=turn, **payload)


def usage(counts: Counts, **changes: Any) -> dict[str, int]:
    """`counts`: input, of it cached; output, of it reasoning."""
    inputs, cached, output, reasoning = counts
    return {
        "input_tokens": inputs,
        "cached_input_tokens": cached,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": inputs + output,
    } | changes


def counted(total: Counts, last: Counts | None = None, *, at: float = 1) -> bytes:
    """What the thread took so far, and what its last call took."""
    info = {"total_token_usage": usage(total), "last_token_usage": usage(last) if last else None}
    return event("token_count", at=at, info=info, rate_limits={})


def record(
    response: str | None, counts: Counts, *, thread: str = THREAD, at: float = 1, written: int = 0, **payload: Any
) -> bytes:
    """The line of one response, as Codex writes it since 0.169."""
    fields = {
        "thread_id": thread,
        "session_id": thread,
        "response_id": response,
        "usage": usage(counts, cache_write_input_tokens=written),
    }
    return line("token_usage_record", fields | payload, at=at)
