"""Messages and a database as opencode writes them, for tests that need some of their own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

CREATED = 1_793_527_200_000  # 2026-11-01T10:00:00Z
SCHEMA = """
CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text NOT NULL);
CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL,
                      time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE session_message (id text PRIMARY KEY, session_id text NOT NULL, type text NOT NULL, seq integer NOT NULL,
                              time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
"""


def answer(*, at: int = 0, done: int | None = 4_000, output: int = 100, **changes: Any) -> dict[str, Any]:
    """An assistant's message of the first version, `at` milliseconds after CREATED: 10 in, 1,000 read from the cache,
    200 written to it, 40 thought."""
    time = {"created": CREATED + at} | ({} if done is None else {"completed": CREATED + at + done})
    return {
        "role": "assistant",
        "parentID": "msg_prompt",
        "modelID": "claude-sonnet-4-5",
        "providerID": "anthropic",
        "mode": "build",
        "path": {"cwd": "/home/ana/shop", "root": "/home/ana/shop"},
        "cost": 0,
        "tokens": {"input": 10, "output": output, "reasoning": 40, "cache": {"read": 1_000, "write": 200}},
        "time": time,
    } | changes


def answer_v2(**changes: Any) -> dict[str, Any]:
    """The same message as `answer()`, as the second version keeps it."""
    first = answer(**changes)
    model = {"id": first.pop("modelID"), "providerID": first.pop("providerID")}
    kept = {name: first[name] for name in ("cost", "tokens", "time")}
    return {"agent": "build", "model": model, "content": [{"type": "text", "text": "secret"}], **kept}


def database(
    path: Path,
    messages: Iterable[tuple[str, str, Any]] = (),
    *,
    second: Iterable[tuple[str, str, Any]] = (),
    parents: Iterable[tuple[str, str]] = (),
) -> Path:
    """A database with (id, session, message) of each version, and (session, parent) of sub-agents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as conn, conn:
        if not conn.execute("SELECT 1 FROM sqlite_master").fetchone():
            conn.executescript(SCHEMA)
        conn.executemany("INSERT INTO session VALUES (?, ?, '/home/ana')", parents)
        rows = [(key, session, CREATED, CREATED, _text(message)) for key, session, message in messages]
        conn.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", rows)
        seconds = [
            (key, session, "assistant", seq, CREATED, CREATED, _text(message))
            for seq, (key, session, message) in enumerate(second)
        ]
        conn.executemany("INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?, ?)", seconds)
    return path


def _text(message: Any) -> str:
    return message if isinstance(message, str) else json.dumps(message)
