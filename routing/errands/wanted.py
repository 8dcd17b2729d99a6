"""What may be asked of `POST /api/v1/tasks/`, and the chat completion that it becomes. Pure.

An unknown field is a mistake that is named, for a misspelt `callback` would never be called.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

MOST_BYTES = 2 * 2**20
_Label = Annotated[str, Meta(max_length=200)]
_CALLER_FIELDS = ("session", "session_type", "agent", "execution", "objective")


class BadTask(ValueError):
    """A task that cannot be done as it is asked; the text says what to change."""


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task: its type, and a prompt or the messages of a chat. `schema` is of the answer, which is JSON then; `model`
    as the gateway takes it; `skills`: those that it needs enter its prompt; `callback` an address that is told once it
    is over."""

    type: _Label
    prompt: str | None = None
    messages: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=2_000)] | None = None
    schema: dict[str, Any] | None = None
    model: _Label = "auto"
    max_output: Annotated[int, Meta(gt=0, le=10**6)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    skills: Literal["", "auto"] = ""
    callback: Annotated[str, Meta(max_length=2_000)] = ""
    idempotency_key: _Label = ""
    session: _Label = ""
    session_type: _Label = ""
    agent: _Label = ""
    execution: _Label = ""
    objective: _Label = ""


def read(raw: bytes) -> Wanted:
    """A task from the body of a request. Raises BadTask."""
    if len(raw) > MOST_BYTES:
        raise BadTask(f"A task may have {MOST_BYTES:,} bytes.")
    try:
        wanted = msgspec.json.decode(raw, type=Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadTask(f"The body cannot be read as a task: {error}.") from error
    if (wanted.prompt is None) == (wanted.messages is None):
        raise BadTask("A task has a prompt or messages, and not both.")
    if not wanted.type.strip() or (wanted.prompt is not None and not wanted.prompt.strip()):
        raise BadTask("Neither the type nor the prompt of a task may be empty.")
    if "\\u0000" in raw.decode("utf-8", "replace"):
        raise BadTask("A task holds no NUL character.")
    return wanted


def digest(wanted: Wanted) -> bytes:
    """What tells two tasks apart that have the same idempotency key."""
    said = msgspec.to_builtins(wanted)
    if not wanted.skills:
        del said["skills"]  # a later field than the others: who asked before it was there asks the same
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).digest()


def body_of(wanted: Wanted) -> dict[str, Any]:
    """The chat completion that does it."""
    body: dict[str, Any] = {
        "model": wanted.model,
        "messages": wanted.messages or [{"role": "user", "content": wanted.prompt}],
    }
    if wanted.max_output is not None:
        body["max_tokens"] = wanted.max_output
    if wanted.temperature is not None:
        body["temperature"] = wanted.temperature
    if wanted.schema is not None:
        inner = {"name": "answer", "schema": wanted.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": inner}
    return body


def caller_of(wanted: Wanted, errand_id: str) -> dict[str, str]:
    """Whose call it is in the ledger: as the task says, with a session of its own where it names none."""
    said = {name: getattr(wanted, name) for name in _CALLER_FIELDS}
    return {**said, "task_type": wanted.type, "session": said["session"] or f"task-{errand_id}"}
