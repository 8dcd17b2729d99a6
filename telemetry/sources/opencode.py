"""opencode's messages, of which those of the assistant bear usage. Pure. Source: formats.md §4.3.

Relied on, as opencode's own schema has it (packages/opencode/src/session/session.sql.ts and
packages/core/src/session/sql.ts of its repository, looked up in November 2026): the database `opencode.db` with the
tables `message` (`id`, `session_id`, `data`: the message as JSON without those two) and, in its second version,
`session_message` (the same, and `type`; the model is `model: {id, providerID}`). Before there was a database, each
message was a file `storage/message/<session>/<message>.json`, which bears `id` and `sessionID` itself.

`tokens.input` excludes the cache, `tokens.output` excludes `tokens.reasoning`. `cost` is opencode's own estimate, and
0 where it knows no price or a subscription pays: 0 is no report. The time from `created` to `completed` includes the
tools that ran, so it is not the call's duration.

A call's id is that of its message. A fork, and the passage to the second version, copy messages under new ids with
the same times, model and counts: so a finished call bears those as an alias, and of the copies the one with the
smallest id is the call, which is the first that was written. A message without `completed` is being written still,
or was broken off: it is counted by its id as a lower bound, and has no alias yet.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from telemetry.contracts import MAX_TOKENS, Call, Key, Label, Quality, Tokens
from telemetry.sources import Reading, Unreadable, reason_of

AGENT = "opencode"
FOLDER_VARIABLE = "XDG_DATA_HOME"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT_LENGTH = 180  # a label has room for it and a prefix
# opencode's names of providers, where OpenTelemetry's are others.
_PROVIDERS = {
    "amazon-bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google-vertex-anthropic": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "moonshotai": "moonshot_ai",
    "xai": "x_ai",
}
_NAMES = {"model_id": "modelID", "parent_id": "parentID", "provider_id": "providerID", "session_id": "sessionID"}
_Model = Annotated[str, Meta(min_length=1, max_length=200)]
_Millisecond = Annotated[float, Meta(ge=0, le=10**14)]


class _Cache(Struct):
    read: Tokens | None = None
    write: Tokens | None = None


class _Counts(Struct):
    input: Tokens | None = None
    output: Tokens | None = None
    reasoning: Tokens | None = None
    cache: _Cache | None = None


class _Time(Struct):
    created: _Millisecond | None = None
    completed: _Millisecond | None = None


class _ModelName(Struct, rename=_NAMES):
    id: _Model | None = None
    provider_id: Label | None = None


class _Message(Struct, rename=_NAMES):
    """A message of either version, as far as it is looked at; what is not needed for the count may have any shape."""

    id: Key | None = None
    session_id: Label | None = None
    role: str | None = None
    model_id: _Model | None = None
    provider_id: Label | None = None
    model: _ModelName | None = None
    time: _Time | None = None
    tokens: _Counts | None = None
    cost: Decimal | None = None
    parent_id: Any = None
    agent: Any = None
    mode: Any = None
    path: Any = None
    error: Any = None


class _Sender(Struct):
    """What tells a message that bears usage from others, whose fields may have other shapes."""

    role: Any = None
    tokens: Any = None


_sender = msgspec.json.Decoder(_Sender)
_message = msgspec.json.Decoder(_Message)


def folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where opencode keeps its data: in XDG_DATA_HOME, else below the home folder, on every system."""
    named = environment.get(FOLDER_VARIABLE, "").strip()
    return [(Path(named).expanduser() if named else home / ".local" / "share") / "opencode"]


def matches(path: Path) -> bool:
    """Whether a file holds messages: a database, or one message under `storage/message`."""
    if path.suffix == ".json":
        return path.name.startswith("msg_") and path.parent.parent.name == "message"
    return path.name == "opencode.db" or (path.name.startswith("opencode-") and path.suffix == ".db")


def reading_order(path: Path) -> tuple[bool, str]:
    """Databases come first: they say to which session a sub-agent's belongs, and files do not."""
    return path.suffix == ".json", str(path)


def read_document(data: bytes, *, file_name: str, host: str) -> Reading:
    """The call of one message's file `file_name`, if it bears one."""
    if not data.strip():
        return Reading()
    return _read([(data, None, None, None)], host, {})


def read_rows(rows: Sequence[Mapping[str, Any]], *, file_name: str, host: str, state: Mapping[str, Any]) -> Reading:
    """Calls of rows with `id`, `session_id`, `root_id` and `data`, in the order of their ids. `state` knows the
    copies that were met before."""
    return _read([(row["data"], row["id"], row["session_id"], row["root_id"]) for row in rows], host, state)


_Row = tuple[Any, str | None, str | None, str | None]  # the message, and its id, session and root where rows say them


def _read(rows: Sequence[_Row], host: str, state: Mapping[str, Any]) -> Reading:
    calls: list[Call] = []
    unreadable: Counter[str] = Counter()
    met = dict(state.get("met", {}))
    for data, key, session, root in rows:
        try:
            call = _call(data, key, session, root, host)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, Unreadable) as error:
            unreadable[reason_of(error)] += 1
            continue
        if call is None or any(met.setdefault(alias, call.id) != call.id for alias in call.aliases):
            continue
        calls.append(call)
    return Reading(calls=tuple(calls), unreadable=dict(unreadable), state={"met": met})


def _call(data: Any, key: str | None, session: str | None, root: str | None, host: str) -> Call | None:
    """The call of a message, or None where it bears no usage. Raises msgspec's errors and Unreadable."""
    if not isinstance(data, str | bytes):
        raise Unreadable("a message that is no text")
    sender = _sender.decode(data)
    if sender.tokens is None or sender.role not in (None, "assistant"):
        return None
    message = _message.decode(data)
    buckets = _buckets(message.tokens or _Counts())
    if not any(buckets.values()):
        return None
    session = session or message.session_id or ""
    call = Call(
        **_request(message, key or message.id),
        **buckets,
        reasoning=message.tokens.reasoning if message.tokens else None,
        cost_usd=message.cost or None,
        agent=AGENT,
        host=host,
        session_id=root or session,
        subagent_id=session if root and root != session else "",
        execution_id=f"{AGENT}:{parent}" if (parent := _text(message.parent_id)) else "",
        error_type=_text(message.error, "name") or _text(message.error, "type"),
        quality=_quality(message),
        attributes=_attributes(message),
    )
    if b"\\u0000" in msgspec.json.encode(call):
        raise Unreadable("a NUL character in a field")
    return call


def _buckets(counts: _Counts) -> dict[str, Any]:
    """The five buckets; reasoning is a part of the output. Raises Unreadable."""
    cache, output = counts.cache or _Cache(), (counts.output or 0) + (counts.reasoning or 0)
    if output > MAX_TOKENS:
        raise Unreadable("more tokens than can be counted")
    return {
        "input_uncached": counts.input or 0,
        "cache_read": cache.read or 0,
        "cache_write_unknown": cache.write or 0,
        "output": output,
    }


def _request(message: _Message, key: str | None) -> dict[str, Any]:
    """Which request it was: ids, time, provider and model. Raises Unreadable where one that must be is missing."""
    model = message.model_id or (message.model.id if message.model else None)
    created = message.time.created if message.time else None
    if not key or model is None or not created:
        raise Unreadable(f"usage without {'a time' if key and model else 'a model' if key else 'an id'}")
    provider = message.provider_id or (message.model.provider_id if message.model else None) or ""
    return {
        "id": key,
        "aliases": _aliases(message, provider, model),
        "started_at": _EPOCH + timedelta(milliseconds=created),
        "provider": _PROVIDERS.get(provider, provider),
        "model": model,
    }


def _aliases(message: _Message, provider: str, model: str) -> tuple[str, ...]:
    """What a finished call has in common with its copies under other ids."""
    time, counts = message.time or _Time(), message.tokens or _Counts()
    if time.completed is None:
        return ()
    cache = counts.cache or _Cache()
    buckets = [count or 0 for count in (counts.input, counts.output, counts.reasoning, cache.read, cache.write)]
    said = msgspec.json.encode((time.created, time.completed, provider, model, buckets))
    return (f"{AGENT}:{hashlib.sha256(said).hexdigest()[:32]}",)


def _quality(message: _Message) -> tuple[Quality, ...]:
    is_done = message.time is not None and message.time.completed is not None
    has_writes = message.tokens and message.tokens.cache and message.tokens.cache.write
    running: tuple[Quality, ...] = () if is_done else ("output_lower_bound",)
    return (*running, "ttl_unknown") if has_writes else running


def _attributes(message: _Message) -> dict[str, str] | None:
    named = (("cwd", _text(message.path, "cwd")), ("mode", _text(message.agent) or _text(message.mode)))
    return {name: text for name, text in named if text} or None


def _text(value: Any, name: str = "") -> str:
    """A text, or the text `name` of an object, cut to what is kept; empty for anything else."""
    found = value.get(name) if name and isinstance(value, dict) else value
    return found[:_TEXT_LENGTH] if isinstance(found, str) else ""
