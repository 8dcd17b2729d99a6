"""Claude Code's transcripts: lines of JSON, of which `assistant` lines bear usage. Pure. Source: formats.md §4.1.

One response of the API is written as several lines, one a content block, and again into other files. Its copies
differ in output only, because a streamed count grows; so the whole line with the largest output is kept, at the time
of the first. A response that goes on in the next reading, or in another file, is completed by the ledger, which keeps
the fuller copy by the same rule. What was said is looked at only to tell a prompt from what is none, and never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from telemetry.contracts import Call, Execution, Instant, Key, Label, Quality, Tokens
from telemetry.sources import Reading, Unreadable, read_each, refuse_nul
from telemetry.usage import input_total

AGENT = "claude-code"
FOLDER_VARIABLE = "CLAUDE_CONFIG_DIR"
_SYNTHETIC = "<synthetic>"  # an error that Claude Code words itself: no request, no usage
_SESSIONS_KEPT = 8
_ATTRIBUTE_LENGTH = 300
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SUBAGENT_FILE = re.compile(r"agent-([A-Za-z0-9_-]{1,64})\.jsonl")
_PROVIDERS = {"msg_bdrk_": "aws.bedrock", "msg_vrtx_": "gcp.vertex_ai"}
# Output of local commands, interruptions, and a conversation that goes on in a new session.
_NO_PROMPT = ("<local-command-", "<bash-", "[Request interrupted by user", "This session is being continued from")
_Model = Annotated[str, Meta(min_length=1, max_length=200)]


# The shapes of lines, as far as they are looked at: any field may be missing or null, unknown ones are passed over,
# and a field of the wrong type makes its line unreadable rather than wrong.
class _AnyLine(Struct):
    type: Any = None


class _CacheWrites(Struct):
    ephemeral_5m_input_tokens: Tokens | None = None
    ephemeral_1h_input_tokens: Tokens | None = None


class _OutputDetails(Struct):
    thinking_tokens: Tokens | None = None


class _Counts(Struct):
    """`input_tokens` excludes the cache, `output_tokens` includes thinking."""

    input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_creation: _CacheWrites | None = None
    output_tokens: Tokens | None = None
    output_tokens_details: _OutputDetails | None = None


class _Iteration(_Counts):
    """A step of a response; only an advisor's is not in the response's own counts."""

    type: str | None = None
    model: _Model | None = None


class _Usage(_Counts):
    service_tier: Label | None = None
    speed: Label | None = None
    iterations: list[_Iteration] | None = None


class _Response(Struct):
    id: Label | None = None
    model: _Model | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _AssistantLine(Struct, rename="camel"):
    timestamp: Instant
    message: _Response
    uuid: Label | None = None
    session_id: Label | None = None
    request_id: Key | None = None
    agent_id: Label | None = None
    is_sidechain: bool | None = None
    cost_usd: Decimal | None = msgspec.field(default=None, name="costUSD")
    cwd: str | None = None
    git_branch: str | None = None
    version: str | None = None


class _UserLine(Struct, rename="camel"):
    message: Raw = Raw(b"{}")
    timestamp: Instant | None = None
    uuid: Label | None = None
    session_id: Label | None = None
    prompt_id: str | None = None
    is_sidechain: bool | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None


class _Block(Struct):
    type: str = ""
    text: str = ""


class _Said(Struct):
    content: str | list[_Block] = ""


_any_line = msgspec.json.Decoder(_AnyLine)
_assistant_line = msgspec.json.Decoder(_AssistantLine)
_user_line = msgspec.json.Decoder(_UserLine)
_said = msgspec.json.Decoder(_Said)


@dataclass(slots=True)
class _Copies:
    """The lines of one response so far: the fullest of them, and what only all of them together tell."""

    best: Call
    rank: tuple[int, int, bool]
    first_at: datetime
    execution_id: str
    has_ended: bool = False


@dataclass(slots=True)
class _Reading:
    """A reading under way; `running` is the execution that each session is in."""

    host: str
    subagent_id: str
    running: dict[str, str]
    copies: dict[str, _Copies] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)


def folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where Claude Code keeps transcripts: under CLAUDE_CONFIG_DIR, which may name several by comma, else at home."""
    named = [part.strip() for part in environment.get(FOLDER_VARIABLE, "").split(",") if part.strip()]
    roots = [Path(part).expanduser() for part in named] or [home / ".claude", home / ".config" / "claude"]
    return [root / "projects" for root in roots]


def matches(path: Path) -> bool:
    """Whether a file in one of the folders is a transcript."""
    return path.suffix == ".jsonl"


def reading_order(path: Path) -> tuple[bool, str]:
    """A session comes before its sub-agents, so that a response they replay is known as the session's own."""
    return _SUBAGENT_FILE.fullmatch(path.name) is not None, str(path)


def read(lines: Sequence[bytes], *, file_name: str, host: str, state: Mapping[str, Any]) -> Reading:
    """Calls and executions of the next whole lines of the transcript `file_name`. A line that cannot be read is
    counted with its reason; the others are read all the same."""
    subagent = _SUBAGENT_FILE.fullmatch(PurePath(file_name).name)
    reading = _Reading(host, subagent[1] if subagent else "", dict(state.get("running", {})))
    unreadable = read_each(lines, lambda line: _read_line(reading, line))
    return Reading(
        calls=tuple(_call_of(copies) for copies in reading.copies.values()),
        executions=tuple(reading.executions.values()),
        unreadable=unreadable,
        state={"running": dict(list(reading.running.items())[-_SESSIONS_KEPT:])},
    )


def _read_line(reading: _Reading, line: bytes) -> None:
    kind = _any_line.decode(line).type
    if kind == "assistant":
        spoken = _assistant_line.decode(line)
        if spoken.message.usage is not None and spoken.message.model != _SYNTHETIC:
            for call in _calls(reading, spoken, spoken.message.usage):
                refuse_nul(line, call)
                _add_copy(reading, call, spoken)
    elif kind == "user":
        _follow_prompt(reading, line)


def _calls(reading: _Reading, line: _AssistantLine, usage: _Usage) -> Iterator[Call]:
    """The call of a line, then those of the advisors it asked; all copies of a call bear the same id."""
    response, session = line.message, line.session_id or ""
    key = line.request_id or (f"{response.id}:{session}"[:300] if response.id else line.uuid)
    if not key or response.model is None:
        raise Unreadable("usage without a model" if key else "usage without a request, message or line id")
    shared = {
        "started_at": line.timestamp,
        "provider": _PROVIDERS.get((response.id or "")[:9], "anthropic"),
        "agent": AGENT,
        "host": reading.host,
        "session_id": session,
        "subagent_id": line.agent_id or reading.subagent_id or ("sidechain" if line.is_sidechain else ""),
        "service_tier": "fast" if usage.speed == "fast" else usage.service_tier or "",
        "attributes": _attributes(line),
    }
    quality: tuple[Quality, ...] = () if line.request_id else ("no_request_id",)
    names: dict[str, Any] = {"aliases": (response.id,)} if line.request_id and response.id else {}
    if not line.request_id and session:
        names["likeness"] = _likeness(usage, session)
    yield _call(usage, quality, id=key, model=response.model, cost_usd=line.cost_usd, **names, **shared)
    for place, step in enumerate(usage.iterations or ()):
        if step.type == "advisor_message":
            yield _call(step, quality, id=f"{key[:280]}:advisor:{place}", model=step.model or response.model, **shared)


def _likeness(usage: _Usage, session: str) -> str:
    """What an event of the same request has alike, where neither knows the request's id (behind some gateways). Output
    is left out, for older versions never wrote its last value."""
    counts = (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
    return f"{AGENT}:{session}:{':'.join(str(count or 0) for count in counts)}"


def _call(counts: _Counts, quality: tuple[Quality, ...], **fields: Any) -> Call:
    """A call with the five buckets of `counts`; writes not told apart by time to live are `cache_write_unknown`."""
    split = counts.cache_creation or _CacheWrites()
    write_5m, write_1h = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
    write_unknown = max(0, (counts.cache_creation_input_tokens or 0) - write_5m - write_1h)
    return Call(
        input_uncached=counts.input_tokens or 0,
        cache_read=counts.cache_read_input_tokens or 0,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        cache_write_unknown=write_unknown,
        output=counts.output_tokens or 0,
        reasoning=counts.output_tokens_details.thinking_tokens if counts.output_tokens_details else None,
        quality=(*quality, "ttl_unknown") if write_unknown else quality,
        **fields,
    )


def _attributes(line: _AssistantLine) -> dict[str, str] | None:
    named = (("cwd", line.cwd), ("gitBranch", line.git_branch), ("version", line.version))
    return {name: text[:_ATTRIBUTE_LENGTH] for name, text in named if text} or None


def _add_copy(reading: _Reading, call: Call, line: _AssistantLine) -> None:
    """Keep the fuller of two copies: by output, then input; on a tie the one that is no sidechain's replay."""
    rank = (call.output, input_total(call), not line.is_sidechain)
    known = reading.copies.get(call.id)
    if known is None:
        running = reading.running.get(call.session_id, "")
        known = reading.copies[call.id] = _Copies(call, rank, line.timestamp, running)
    elif rank > known.rank:
        known.best, known.rank = call, rank
    known.has_ended = known.has_ended or line.message.stop_reason is not None


def _call_of(copies: _Copies) -> Call:
    best = copies.best
    quality: tuple[Quality, ...] = best.quality if copies.has_ended else (*best.quality, "output_lower_bound")
    return msgspec.structs.replace(best, started_at=copies.first_at, execution_id=copies.execution_id, quality=quality)


def _follow_prompt(reading: _Reading, raw: bytes) -> None:
    """A prompt begins an execution; any line that bears a prompt's id tells which one its session is in."""
    line = _user_line.decode(raw)
    session, is_prompt = line.session_id or "", not reading.subagent_id and _is_prompt(line)
    named = line.prompt_id if line.prompt_id and _ID.fullmatch(line.prompt_id) else ""
    if not named and not is_prompt:
        return
    execution_id = f"{AGENT}:{named or line.uuid or ''}"[:200]
    refuse_nul(raw, (session, execution_id))
    if is_prompt:
        if line.timestamp is None or execution_id == f"{AGENT}:":
            raise Unreadable("a prompt without a time or an id")
        execution = Execution(execution_id=execution_id, started_at=line.timestamp, session_id=session, agent=AGENT)
        reading.executions.setdefault(execution_id, execution)
    reading.running.pop(session, None)  # put last: sessions stay in the order of their last prompt
    reading.running[session] = execution_id


def _is_prompt(line: _UserLine) -> bool:
    """Whether a person (or the program in a person's place) asked for something here."""
    if line.is_sidechain or line.is_meta or line.is_compact_summary:
        return False
    content = _said.decode(line.message).content
    if isinstance(content, str):
        return bool(content) and not content.startswith(_NO_PROMPT)
    if any(block.type == "tool_result" for block in content):
        return False
    return bool(content) and not any(block.text.startswith(_NO_PROMPT) for block in content)
