"""Codex CLI's rollouts: a file a thread, lines of JSON, two kinds of which bear usage. Pure. Source: formats.md §4.2.

Since 0.169 each response has a line of its own, `token_usage_record`; from a file's first one on, `token_count`
counts nothing. Without them a call is what the total of `token_count` grew by: a repeat is none, and where the total
shrank (after a compaction, say) the call is `last_token_usage`. Such a call is known by its thread and total, so that
a copy in `archived_sessions` is the same call. Input includes what was cached, output includes reasoning.
What a sub-agent's or a fork's file repeats of its parent is passed over: see `thread.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import msgspec
from msgspec import UNSET

from telemetry.contracts import Call, Execution, Quality
from telemetry.sources import Reading, read_each, refuse_nul
from telemetry.sources.codex import shapes
from telemetry.sources.codex.shapes import Line, Numbers
from telemetry.sources.codex.thread import Thread, growth, meet, place_line, place_message, place_turn

AGENT = "codex"
FOLDER_VARIABLE = "CODEX_HOME"
_UNKNOWN = "unknown"  # early rollouts do not name their model
_FILE = re.compile(r"rollout-.*?-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl")
_TIERS = {"priority": "priority", "fast": "priority", "flex": "flex"}


@dataclass(slots=True)
class _Reading:
    """A reading under way."""

    host: str
    thread: Thread
    calls: dict[str, Call] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)


def folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where Codex keeps rollouts: under CODEX_HOME, else at home; and those that were put away."""
    root = Path(environment.get(FOLDER_VARIABLE, "").strip() or home / ".codex").expanduser()
    return [root / "sessions", root / "archived_sessions"]


def matches(path: Path) -> bool:
    """Whether a file in one of the folders is a rollout."""
    return path.name.startswith("rollout-") and path.suffix == ".jsonl"


def reading_order(path: Path) -> tuple[bool, str]:
    """What was put away comes last, and a thread before those that were made from it: names begin with the time."""
    return "archived_sessions" in path.parts, path.name


def read(lines: Sequence[bytes], *, file_name: str, host: str, state: Mapping[str, Any]) -> Reading:
    """Calls and executions (turns) of the next whole lines of the rollout `file_name`. A line that cannot be read is
    counted with its reason; the others are read all the same."""
    thread = msgspec.convert(dict(state), Thread)
    if not thread.id:
        named = _FILE.fullmatch(PurePath(file_name).name)
        thread.id = thread.session = named[1] if named else PurePath(file_name).stem[:200]
    reading = _Reading(host, thread)
    unreadable = read_each(lines, lambda line: _read_line(reading, line))
    return Reading(
        calls=tuple(reading.calls.values()),
        executions=tuple(reading.executions.values()),
        unreadable=unreadable,
        state=msgspec.to_builtins(thread),
    )


def _read_line(reading: _Reading, raw: bytes) -> None:
    line = _any_line.decode(raw)
    kind = _any_event.decode(line.payload).type if line.type == "event_msg" else line.type
    known = _KINDS.get(kind) if isinstance(kind, str) else None
    if known is not None:
        decoder, follow = known
        read_line = decoder.decode(raw)
        refuse_nul(raw, read_line)
        place_line(reading.thread, read_line)
        follow(reading, read_line)


def _follow_meta(reading: _Reading, line: Line[shapes.ThreadMeta]) -> None:
    meet(reading.thread, line)


def _follow_message(reading: _Reading, line: Line[shapes.Message]) -> None:
    place_message(reading.thread, line)


def _follow_context(reading: _Reading, line: Line[shapes.Turn]) -> None:
    thread, turn = reading.thread, line.payload
    thread.model = turn.model or thread.model
    place_turn(thread, line, begins=False)
    if turn.turn_id and turn.turn_id != thread.turn:
        _begin_turn(reading, line)


def _follow_start(reading: _Reading, line: Line[shapes.Turn]) -> None:
    place_turn(reading.thread, line, begins=True)
    _begin_turn(reading, line)


def _begin_turn(reading: _Reading, line: Line[shapes.Turn]) -> None:
    thread, turn = reading.thread, line.payload
    if not thread.is_others:
        thread.turn = turn.turn_id or f"{thread.id[:150]}:{line.timestamp.isoformat()}"
        thread.root_turn = turn.root_turn_id or ""
        thread.turn_at = line.timestamp
        _put_turn(reading)


def _end_turn(reading: _Reading, line: Line[shapes.Turn], status: str) -> None:
    thread, turn = reading.thread, line.payload
    if thread.is_others or (turn.turn_id or thread.turn) != thread.turn:
        return
    seconds = None if turn.duration_ms is None else turn.duration_ms / 1000
    _put_turn(reading, status=status, execution_time=seconds)


def _put_turn(reading: _Reading, **ending: Any) -> None:
    """A turn is an execution; a sub-agent's is a part of the turn that its root is in."""
    thread = reading.thread
    if thread.turn_at is not None and not thread.is_subagent:
        name = _execution_id(thread)
        reading.executions[name] = Execution(
            execution_id=name, started_at=thread.turn_at, session_id=thread.session, agent=AGENT, **ending
        )


def _execution_id(thread: Thread) -> str:
    turn = (thread.root_turn if thread.is_subagent else "") or thread.turn
    return f"{AGENT}:{turn}"[:200] if turn else ""


def _follow_settings(reading: _Reading, line: Line[shapes.SettingsApplied]) -> None:
    thread, settings = reading.thread, line.payload.thread_settings
    if thread.is_others:
        return
    thread.model = settings.model or thread.model
    thread.provider = (settings.model_provider_id or thread.provider).lower()
    if settings.service_tier is not UNSET:
        thread.tier = _TIERS.get(settings.service_tier or "", "")


def _follow_record(reading: _Reading, line: Line[shapes.Record]) -> None:
    thread, record = reading.thread, line.payload
    if thread.is_others or (record.thread_id or thread.id) != thread.id:
        return
    thread.has_records = True
    counts = record.usage.numbers()
    if record.response_id:
        _put_call(reading, line, counts, counts, id=record.response_id)
    else:
        moment = f"{AGENT}:{thread.id}:{line.timestamp.isoformat()}:{counts[0]}:{counts[3]}"
        _put_call(reading, line, counts, counts, id=moment, quality=("no_request_id",))


def _follow_count(reading: _Reading, line: Line[shapes.TokenCount]) -> None:
    thread, info = reading.thread, line.payload.info
    if info is None or info.total_token_usage is None:
        return
    total, before = info.total_token_usage.numbers(), thread.total
    last = info.last_token_usage.numbers() if info.last_token_usage else None
    thread.total = total
    if total == before or thread.is_others or thread.has_records:
        return
    counts = growth(thread, total, before, last)
    thread.has_counted = True
    if counts is not None:
        place = ":".join(map(str, total))
        others = thread.ancestors if thread.history == "unsure" else ()
        names = {"id": f"{AGENT}:{thread.id}:{place}", "aliases": tuple(f"{AGENT}:{name}:{place}" for name in others)}
        _put_call(reading, line, counts, last or counts, quality=("no_request_id",), **names)


def _put_call(
    reading: _Reading, line: Line[Any], counts: Numbers, said: Numbers, quality: tuple[Quality, ...] = (), **names: Any
) -> None:
    """A call in disjoint buckets. `said` are its counts as Codex's log says them, which bears no id of the call."""
    thread = reading.thread
    inputs, cached, written, output, reasoning = counts
    if not (inputs or cached or written or output):
        return
    if cached + written > inputs:  # a provider whose input leaves out the cache
        inputs, quality = inputs + cached + written, (*quality, "exclusive_input")
    call = Call(
        started_at=line.timestamp,
        model=thread.model or _UNKNOWN,
        provider=thread.provider,
        likeness=f"{AGENT}:{thread.id}:{said[0]}:{said[1]}:{said[3]}",
        input_uncached=inputs - cached - written,
        cache_read=cached,
        cache_write_unknown=written,
        output=output,
        reasoning=reasoning,
        agent=AGENT,
        host=reading.host,
        session_id=thread.session,
        subagent_id=thread.id if thread.is_subagent else "",
        execution_id=_execution_id(thread),
        service_tier=thread.tier,
        quality=quality if thread.model else (*quality, "model_fallback"),
        **names,
    )
    reading.calls.setdefault(call.id, call)


def _decoder(payload: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Line[payload])


_any_line = msgspec.json.Decoder(shapes.AnyLine)
_any_event = msgspec.json.Decoder(shapes.AnyEvent)
_KINDS: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[_Reading, Line[Any]], None]]] = {
    "session_meta": (_decoder(shapes.ThreadMeta), _follow_meta),
    "turn_context": (_decoder(shapes.Turn), _follow_context),
    "task_started": (_decoder(shapes.Turn), _follow_start),
    "task_complete": (_decoder(shapes.Turn), lambda reading, line: _end_turn(reading, line, "done")),
    "turn_aborted": (_decoder(shapes.Turn), lambda reading, line: _end_turn(reading, line, "aborted")),
    "thread_settings_applied": (_decoder(shapes.SettingsApplied), _follow_settings),
    "inter_agent_communication": (_decoder(shapes.Message), _follow_message),
    "inter_agent_communication_metadata": (_decoder(shapes.Message), _follow_message),
    "token_usage_record": (_decoder(shapes.Record), _follow_record),
    "token_count": (_decoder(shapes.TokenCount), _follow_count),
}
