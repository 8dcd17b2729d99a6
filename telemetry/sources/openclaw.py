"""Sessions of OpenClaw and pi: lines of JSON, of which the assistant's bear usage. Pure. Source: formats.md §4.3.

A session is a tree, and every branch of it was billed. A new session that goes on from another begins with a copy of
its lines, and an old one is written anew with new ids for its lines; what stays with a response are the moments when
it was asked for and when it was written down, so it is known by these and its counts, in whatever file it stands.
`input` leaves out the cache, `output` includes reasoning. The cost is the agent's own estimate, taken to the last
digit; none, where there are tokens, means that it knows no price. What was said is never kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from telemetry.contracts import Call, Execution, Instant, Key, Label, Quality, Tokens
from telemetry.sources import Reading, Unreadable, read_each, refuse_nul
from telemetry.usage import input_total

FOLDER_VARIABLE = "OPENCLAW_STATE_DIR"
_PI_VARIABLE = "PI_CODING_AGENT_DIR"
_FORMER_NAMES = (".openclaw", ".clawdbot", ".moltbot")
_FILE = re.compile(r".+\.jsonl(\.(deleted|reset)\..+)?")
_FILE_OF_PI = re.compile(r"\d{4}-\d{2}-\d{2}T[\d-]+Z_.+\.jsonl")
_PROVIDERS = {"openai-codex": "openai", "amazon-bedrock": "aws.bedrock", "google-vertex": "gcp.vertex_ai"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(hours=24)
_SinceEpoch = Annotated[float, Meta(ge=0, le=10**14)]


# The shapes of lines, as far as they are looked at: any field may be missing or null, unknown ones are passed over,
# and a field of the wrong type makes its line unreadable rather than wrong.
class _AnyMessage(Struct):
    role: Any = None


class _AnyLine(Struct):
    type: Any = None
    message: msgspec.Raw = msgspec.Raw(b"{}")


class _Header(Struct, rename="camel"):
    id: Annotated[str, Meta(max_length=150)] | None = None
    timestamp: Instant | None = None
    parent_session: Any = None
    branched_from: Any = None


class _Cost(Struct):
    total: Decimal | None = None


class _Usage(Struct, rename="camel"):
    """`cache_write_1h` is a part of `cache_write`, whose rest lives five minutes; `reasoning` is a part of `output`."""

    input: Tokens | None = None
    output: Tokens | None = None
    cache_read: Tokens | None = None
    cache_write: Tokens | None = None
    cache_write_1h: Tokens | None = msgspec.field(default=None, name="cacheWrite1h")
    reasoning: Tokens | None = None
    cost: _Cost | None = None


class _Response(Struct, rename="camel"):
    timestamp: _SinceEpoch | None = None
    provider: Label | None = None
    model: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    response_model: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    response_id: Key | None = None
    stop_reason: Label | None = None
    usage: _Usage | None = None


class _AssistantLine(Struct):
    timestamp: Instant
    message: _Response


class _Asked(Struct):
    timestamp: _SinceEpoch | None = None


class _UserLine(Struct):
    timestamp: Instant
    message: _Asked


_any_line = msgspec.json.Decoder(_AnyLine)
_any_message = msgspec.json.Decoder(_AnyMessage)
_header = msgspec.json.Decoder(_Header)
_assistant_line = msgspec.json.Decoder(_AssistantLine)
_user_line = msgspec.json.Decoder(_UserLine)


class _Session(Struct):
    """What is known of a session after some of its lines; it is the state between two readings. Lines older than
    `copied_until` are another session's; `running` is the execution that it is in."""

    id: str = ""
    copied_until: datetime | None = None
    running: str = ""


@dataclass(slots=True)
class _Reading:
    """A reading under way."""

    host: str
    agent: str
    session: _Session
    calls: dict[str, Call] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)


def folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where sessions are kept: pi's folder, which PI_CODING_AGENT_DIR may move, and OpenClaw's under all its names,
    which OPENCLAW_STATE_DIR may move."""
    pi = environment.get(_PI_VARIABLE, "").strip()
    state = environment.get(FOLDER_VARIABLE, "").strip()
    roots = [Path(state).expanduser()] if state else [home / name for name in _FORMER_NAMES]
    return [
        (Path(pi).expanduser() if pi else home / ".pi" / "agent") / "sessions",
        *(root / "agents" for root in roots),
    ]


def matches(path: Path) -> bool:
    """Whether a file in one of the folders is a session, be it deleted or reset since."""
    return _FILE.fullmatch(path.name) is not None


def reading_order(path: Path) -> tuple[str, str]:
    """pi's names begin with the time, so that a session comes before those that go on from it."""
    return path.name, str(path)


def read(lines: Sequence[bytes], *, file_name: str, host: str, state: Mapping[str, Any]) -> Reading:
    """Calls and executions (prompts) of the next whole lines of the session `file_name`. A line that cannot be read is
    counted with its reason; the others are read all the same."""
    name = PurePath(file_name).name
    session = msgspec.convert(dict(state), _Session)
    session.id = session.id or name.partition(".jsonl")[0][-150:]
    reading = _Reading(host, "pi" if _FILE_OF_PI.fullmatch(name) else "openclaw", session)
    unreadable = read_each(lines, lambda line: _read_line(reading, line))
    return Reading(
        calls=tuple(reading.calls.values()),
        executions=tuple(reading.executions.values()),
        unreadable=unreadable,
        state=msgspec.to_builtins(session),
    )


def _read_line(reading: _Reading, raw: bytes) -> None:
    line = _any_line.decode(raw)
    if line.type == "session":
        header = _header.decode(raw)
        refuse_nul(raw, header.id)
        reading.session.id = header.id or reading.session.id
        reading.session.copied_until = header.timestamp if header.parent_session or header.branched_from else None
    elif line.type == "message":
        role = _any_message.decode(line.message).role
        if role == "assistant":
            _follow_response(reading, raw)
        elif role == "user":
            _follow_prompt(reading, _user_line.decode(raw))


def _follow_response(reading: _Reading, raw: bytes) -> None:
    line = _assistant_line.decode(raw)
    usage = line.message.usage
    if usage is None:
        return
    call = _call(reading, line, line.message, usage)
    if call.output or input_total(call):
        if not line.message.model:
            raise Unreadable("usage without a model")
        refuse_nul(raw, call)
        reading.calls.setdefault(call.id, call)


def _call(reading: _Reading, line: _AssistantLine, said: _Response, usage: _Usage) -> Call:
    """A call in disjoint buckets. It began when the message did; the line was written when it ended."""
    began = _moment(said.timestamp) or line.timestamp
    took = line.timestamp - began
    written, written_1h = usage.cache_write or 0, usage.cache_write_1h or 0
    rest = max(0, written - written_1h)
    is_split = usage.cache_write_1h is not None or not rest
    cost = usage.cost.total if usage.cost and usage.cost.total else None
    provider = (said.provider or "").lower()
    quality: tuple[Quality, ...] = () if said.response_id else ("no_request_id",)
    counts = (usage.input or 0, usage.output or 0, usage.cache_read or 0, written)
    return Call(
        id=":".join(("openclaw", _milliseconds(line.timestamp), _milliseconds(began), *map(str, counts))),
        aliases=(said.response_id,) if said.response_id else (),
        started_at=began,
        model=said.response_model or said.model or "unknown",
        provider=_PROVIDERS.get(provider, provider),
        input_uncached=counts[0],
        cache_read=counts[2],
        cache_write_5m=rest if is_split else 0,
        cache_write_1h=written_1h,
        cache_write_unknown=0 if is_split else rest,
        output=counts[1],
        reasoning=usage.reasoning,
        cost_usd=cost,
        duration_ms=round(took / timedelta(milliseconds=1)) if timedelta(0) <= took < _LONGEST else None,
        agent=reading.agent,
        host=reading.host,
        session_id=reading.session.id,
        execution_id=reading.session.running,
        error_type="error" if said.stop_reason == "error" else "",
        quality=quality if is_split else (*quality, "ttl_unknown"),
    )


def _moment(milliseconds: float | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)


def _milliseconds(moment: datetime) -> str:
    return str(round((moment - _EPOCH) / timedelta(milliseconds=1)))


def _follow_prompt(reading: _Reading, line: _UserLine) -> None:
    """A prompt begins an execution, but for one that was copied: that is the other session's."""
    asked = _moment(line.message.timestamp) or line.timestamp
    name = f"openclaw:{_milliseconds(line.timestamp)}:{_milliseconds(asked)}"
    session = reading.session
    session.running = name
    if session.copied_until is None or line.timestamp >= session.copied_until:
        reading.executions.setdefault(
            name,
            Execution(execution_id=name, started_at=asked, session_id=session.id, agent=reading.agent),
        )
