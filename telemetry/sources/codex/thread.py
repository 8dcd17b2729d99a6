"""Whose are the lines of a rollout, and what has its thread taken so far? Pure. Source: formats.md §4.2.

The file of a sub-agent or a fork begins with lines of its parent, which are counted in the parent's file. A turn is
the parent's where its id, a UUID 7, is older than the thread, or where `subagent_history_start_ordinal` says so; a
line is, where it is older than the thread, or was written while the file was made. Where nothing but the beginning of
a turn tells that the copying is over, the calls bear as aliases what the parent would call them.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from telemetry.sources.codex.shapes import Line, Message, Numbers, ThreadMeta, Turn

_COPYING = timedelta(seconds=2)  # what making a file with its parent's lines may take; a new response takes longer
_MOST_ANCESTORS = 6
_UUID7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


class Thread(Struct):
    """What is known of a file's thread after some of its lines: the state between two readings.

    `history` says whose the lines are: `own`, `copied`, `silent` while nothing has told, `unsure` after a turn began
    that may be either's. `total` is the thread's counts so far; `turn_at` is when its turn began.
    """

    id: str = ""
    session: str = ""
    is_subagent: bool = False
    ancestors: tuple[str, ...] = ()
    created_at: datetime | None = None
    begun_at: datetime | None = None
    boundary: int | None = None
    history: Literal["own", "copied", "silent", "unsure"] = "own"
    provider: str = "openai"
    model: str = ""
    tier: str = ""
    turn: str = ""
    root_turn: str = ""
    turn_at: datetime | None = None
    total: Numbers | None = None
    has_counted: bool = False
    has_records: bool = False

    @property
    def is_others(self) -> bool:
        """Whether the lines now read are taken for the parent's."""
        return self.history in ("copied", "silent")


def meet(thread: Thread, line: Line[ThreadMeta]) -> None:
    """The first `session_meta` is the file's own; those of other threads stand in copied lines."""
    meta = line.payload
    if thread.created_at is None:
        _introduce(thread, meta, meta.timestamp or line.timestamp)
    elif meta.id != thread.id:
        thread.history = "silent"
        others = (name for name in thread.ancestors if name != meta.id)
        thread.ancestors = (*others, meta.id)[-_MOST_ANCESTORS:]


def _introduce(thread: Thread, meta: ThreadMeta, created_at: datetime) -> None:
    source = meta.source if isinstance(meta.source, dict) else {"subagent": None} if meta.source == "subagent" else {}
    parent = meta.parent_thread_id or _spawned_by(source.get("subagent"))
    thread.id, thread.created_at = meta.id, created_at
    thread.boundary = meta.subagent_history_start_ordinal
    thread.is_subagent = "subagent" in source or meta.thread_source == "subagent" or bool(meta.parent_thread_id)
    thread.session = meta.session_id or meta.id
    if thread.is_subagent and thread.session == meta.id:
        thread.session = parent or meta.id
    thread.ancestors = tuple(dict.fromkeys(filter(None, (meta.forked_from_id, parent))))
    thread.history = "silent" if thread.ancestors else "own"
    thread.provider = (meta.model_provider or thread.provider).lower()


def _spawned_by(subagent: Any) -> str:
    spawn = subagent.get("thread_spawn") if isinstance(subagent, dict) else None
    parent = spawn.get("parent_thread_id") if isinstance(spawn, dict) else None
    return parent[:200] if isinstance(parent, str) else ""


def place_line(thread: Thread, line: Line[Any]) -> None:
    """Note what a line's number and time tell of whose it is."""
    if thread.begun_at is None:
        thread.begun_at = line.timestamp
    if thread.history == "own":
        return
    if thread.boundary is not None and line.ordinal is not None:
        thread.history = "own" if line.ordinal >= thread.boundary else "copied"
    elif thread.history == "silent" and line.timestamp - thread.begun_at > _COPYING:
        thread.history = "unsure"


def place_turn(thread: Thread, line: Line[Turn], *, begins: bool) -> None:
    """Note what a turn's id and time tell of whose it and the lines after it are. `begins` where it begins here."""
    if thread.history == "own" or thread.created_at is None or thread.boundary is not None:
        return
    born, made = _milliseconds(line.payload.turn_id or ""), _milliseconds(thread.id)
    began = line.payload.started_at
    if born is not None and made is not None:
        thread.history = "own" if born >= made else "copied"
    elif line.timestamp < thread.created_at or (began is not None and began < int(thread.created_at.timestamp())):
        thread.history = "copied"
    elif begins:
        thread.history = "unsure"


def place_message(thread: Thread, line: Line[Message]) -> None:
    """A message begins a sub-agent's turn; one that its parent was sent may have been copied."""
    if not line.payload.trigger_turn or thread.boundary is not None or thread.begun_at is None:
        return
    is_late = line.timestamp - thread.begun_at > _COPYING
    is_early = line.timestamp < thread.begun_at
    if (thread.history == "silent" and not is_early) or (thread.history == "copied" and is_late):
        thread.history = "unsure"


def growth(thread: Thread, total: Numbers, before: Numbers | None, last: Numbers | None) -> Numbers | None:
    """What a call took, after which the thread's total is `total`; None where that cannot be told. A child's total
    goes on from its parent's or begins anew, so that its first call is what it says itself."""
    if thread.ancestors and not thread.has_counted and (before is None or last is not None):
        return last
    if before is None:
        return total
    if any(now < then for now, then in zip(total, before, strict=True)):
        return last or total
    inputs, cached, written, output, reasoning = (now - then for now, then in zip(total, before, strict=True))
    return inputs, cached, written, output, reasoning


def _milliseconds(identifier: str) -> int | None:
    """When a UUID 7 was made, in milliseconds since 1970; None for other ids."""
    found = _UUID7.fullmatch(identifier)
    return int(found[1] + found[2], 16) if found else None
