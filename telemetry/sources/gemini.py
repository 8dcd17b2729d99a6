"""Gemini CLI's chats: lines of JSON, or in older versions one document. Pure. Source: formats.md §3.3, §4.3.

A message of type `gemini` bears the tokens of its response. It is written again as it grows, once more where `$set`
replaces all messages, and into a new file where an old session is taken up; its copies are one call, known by session
and message, and the fullest is kept. What `$rewindTo` takes back was billed all the same. `input` includes what was
cached, `output` leaves out the thoughts, `tool` is input on top of `input` unless the total is too small for it.
What was said is looked at only to tell a prompt from what is none, and never kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from telemetry.contracts import MAX_TOKENS, Call, Execution, Instant, Quality, Tokens
from telemetry.sources import Reading, Unreadable, read_each, refuse_nul
from telemetry.usage import input_total

AGENT = "gemini-cli"
FOLDER_VARIABLE = "GEMINI_CLI_HOME"
_PROVIDER = "gcp.gen_ai"
# What the program says in a person's name.
_NO_PROMPT = ("<session_context>", "<hook_context>")
_Id = Annotated[str, Meta(max_length=80)]


# The shapes of lines, as far as they are looked at: any field may be missing or null, unknown ones are passed over,
# and a field of the wrong type makes its line unreadable rather than wrong.
class _Tokens(Struct):
    """As the API's usageMetadata counts them: the total is input + output + thoughts + tool."""

    input: Tokens | None = None
    output: Tokens | None = None
    cached: Tokens | None = None
    thoughts: Tokens | None = None
    tool: Tokens | None = None
    total: Tokens | None = None


class _Part(Struct, rename="camel"):
    text: str | None = None
    function_response: Raw | None = None


class _AnyMessage(Struct):
    type: Any = None


class _Message(Struct):
    id: _Id
    timestamp: Instant
    tokens: _Tokens | None = None
    model: Annotated[str, Meta(max_length=200)] | None = None


class _Prompt(Struct):
    id: _Id
    timestamp: Instant
    content: Raw = Raw(b'""')


class _Patch(Struct):
    messages: list[Raw] | None = None


class _AnyLine(Struct, rename={"patch": "$set"}):
    """A header has a session, a message a type, a patch neither."""

    type: Any = None
    session_id: Any = msgspec.field(default=None, name="sessionId")
    patch: _Patch | None = None


class _Header(Struct, rename="camel"):
    session_id: _Id
    kind: str | None = None
    messages: list[Raw] | None = None


_any_line = msgspec.json.Decoder(_AnyLine)
_any_message = msgspec.json.Decoder(_AnyMessage)
_header = msgspec.json.Decoder(_Header)
_message = msgspec.json.Decoder(_Message)
_prompt = msgspec.json.Decoder(_Prompt)
_content = msgspec.json.Decoder(str | list[_Part] | _Part)


class _Chat(Struct):
    """What is known of a chat after some of its lines; it is the state between two readings. `running` is the
    execution that it is in."""

    session: str = ""
    is_subagent: bool = False
    running: str = ""


@dataclass(slots=True)
class _Reading:
    """A reading under way."""

    host: str
    chat: _Chat
    calls: dict[str, Call] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=Counter)


def folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where Gemini CLI keeps chats: `tmp/<project>/chats` of its folder in GEMINI_CLI_HOME, else at home."""
    root = Path(environment.get(FOLDER_VARIABLE, "").strip() or home).expanduser()
    return [root / ".gemini" / "tmp"]


def matches(path: Path) -> bool:
    """Whether a file in one of the folders is a chat; a sub-agent's lies in a folder named by its parent's session."""
    return path.suffix in (".json", ".jsonl") and (path.name.startswith("session-") or "chats" in path.parts[:-1])


def reading_order(path: Path) -> tuple[str, str]:
    """A session's old document comes before the lines in which it was taken up: names begin with the time."""
    return path.name, str(path)


def read(lines: Sequence[bytes], *, file_name: str, host: str, state: Mapping[str, Any]) -> Reading:
    """Calls and executions (prompts) of the next whole lines of the chat `file_name`. A line that cannot be read is
    counted with its reason; the others are read all the same."""
    chat = msgspec.convert(dict(state), _Chat)
    chat.session = chat.session or PurePath(file_name).stem[:80]
    reading = _Reading(host, chat)
    reading.unreadable.update(read_each(lines, lambda line: _read_line(reading, line)))
    return Reading(
        calls=tuple(reading.calls.values()),
        executions=tuple(reading.executions.values()),
        unreadable=dict(reading.unreadable),
        state=msgspec.to_builtins(chat),
    )


def read_document(data: bytes, *, file_name: str, host: str) -> Reading:
    """Calls and executions of a chat that is one JSON object. A message that cannot be read is counted with its
    reason; the others are read all the same."""
    return msgspec.structs.replace(read([data], file_name=file_name, host=host, state={}), state={})


def _read_line(reading: _Reading, line: bytes) -> None:
    found = _any_line.decode(line)
    if found.patch is not None:
        _read_messages(reading, found.patch.messages, is_said=False)
    elif found.type is not None:
        _read_message(reading, line, is_said=True)
    elif found.session_id is not None:
        _read_header(reading, line)


def _read_header(reading: _Reading, line: bytes) -> None:
    """A header, or a whole chat, which has its messages there."""
    header = _header.decode(line)
    refuse_nul(line, header.session_id)
    reading.chat.session = header.session_id
    reading.chat.is_subagent = header.kind == "subagent"
    _read_messages(reading, header.messages, is_said=True)


def _read_messages(reading: _Reading, messages: list[Raw] | None, *, is_said: bool) -> None:
    """One that cannot be read does not cost the others."""
    whole = [bytes(message) for message in messages or ()]
    reading.unreadable.update(read_each(whole, lambda message: _read_message(reading, message, is_said=is_said)))


def _read_message(reading: _Reading, raw: bytes, *, is_said: bool) -> None:
    """`is_said` where the message stands in its place: one that stands in a patch begins no execution."""
    kind = _any_message.decode(raw).type
    if kind == "gemini":
        message = _message.decode(raw)
        if message.tokens is not None:
            call = _call(reading, message, message.tokens)
            refuse_nul(raw, call)
            _add_copy(reading, call)
    elif kind == "user" and is_said and not reading.chat.is_subagent:
        _follow_prompt(reading, raw)


def _call(reading: _Reading, message: _Message, tokens: _Tokens) -> Call:
    inputs, cached, output = tokens.input or 0, tokens.cached or 0, tokens.output or 0
    thoughts, tool, chat = tokens.thoughts or 0, tokens.tool or 0, reading.chat
    is_inside = tokens.total is not None and tokens.total < inputs + output + thoughts + tool
    quality: tuple[Quality, ...] = ("no_request_id",)
    if output + thoughts > MAX_TOKENS or inputs + tool > MAX_TOKENS:
        raise Unreadable("more tokens than can be counted")
    if cached > inputs:
        inputs, quality = inputs + cached, (*quality, "exclusive_input")
    return Call(
        id=f"gemini:{chat.session}:{message.id}",
        likeness=f"gemini:{chat.session}:{tokens.input or 0}:{cached}:{output}:{thoughts}",
        started_at=message.timestamp,
        model=message.model or "unknown",
        provider=_PROVIDER,
        input_uncached=inputs - cached + (0 if is_inside else tool),
        cache_read=cached,
        output=output + thoughts,
        reasoning=thoughts,
        agent=AGENT,
        host=reading.host,
        session_id=chat.session,
        subagent_id=chat.session if chat.is_subagent else "",
        execution_id=chat.running,
        quality=quality if message.model else (*quality, "model_fallback"),
    )


def _add_copy(reading: _Reading, call: Call) -> None:
    """Keep the fuller of two copies, in the execution of the first."""
    known = reading.calls.get(call.id)
    if known is None:
        if call.output or input_total(call):
            reading.calls[call.id] = call
    elif (call.output, input_total(call)) > (known.output, input_total(known)):
        reading.calls[call.id] = msgspec.structs.replace(
            call, started_at=known.started_at, execution_id=known.execution_id
        )


def _follow_prompt(reading: _Reading, raw: bytes) -> None:
    prompt = _prompt.decode(raw)
    if not _is_prompt(prompt.content):
        return
    name = f"{AGENT}:{reading.chat.session}:{prompt.id}"
    refuse_nul(raw, name)
    reading.chat.running = name
    reading.executions.setdefault(
        name,
        Execution(execution_id=name, started_at=prompt.timestamp, session_id=reading.chat.session, agent=AGENT),
    )


def _is_prompt(raw: Raw) -> bool:
    """Whether a person asked for something here, and no tool gave its result."""
    content = _content.decode(raw)
    if isinstance(content, str):
        content = _Part(text=content)
    parts = [content] if isinstance(content, _Part) else content
    if any(part.function_response is not None or (part.text or "").startswith(_NO_PROMPT) for part in parts):
        return False
    return any(part.text is None or part.text.strip() for part in parts)
