"""Attempts as the gateway makes them, for tests."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from routing.contracts import Attempt, Caller, Usage


def attempt(**changed: Any) -> Attempt:
    """An attempt that answered, of an hour when nothing happens."""
    known: dict[str, Any] = {
        "id": f"tloi_{uuid.uuid4().hex}-1",
        "request_id": "tloi_request",
        "number": 1,
        "tier_id": 1,
        "tier": "local",
        "position": 1,
        "provider": "mlx",
        "model": "qwen3",
        "reason": "the lowest that can",
        "started_at": datetime.now(UTC),
        "duration_s": 0.5,
        "ttft_s": 0.1,
        "usage": Usage(input_uncached=100, output=20),
        "finish_reason": "stop",
        "is_final": True,
        "cost_nanousd": 0,
    }
    return Attempt(**(known | changed))


def caller(project_id: int = 1, **changed: Any) -> Caller:
    """Somebody who calls."""
    known: dict[str, Any] = {"project_id": project_id, "key_id": 1, "session": "s1", "agent": "hermes"}
    return Caller(**(known | changed))
