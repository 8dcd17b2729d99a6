"""The lines of a rollout, as far as they are looked at. Pure. Source: formats.md §4.2.

Any field may be missing or null, unknown ones are passed over, and a field of the wrong type makes its line
unreadable rather than wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from telemetry.contracts import Instant, Key, Label, Milliseconds, Tokens

Numbers = tuple[int, int, int, int, int]
_Model = Annotated[str, Meta(max_length=200)]
_Payload = TypeVar("_Payload")


class AnyLine(Struct):
    """Enough of any line to tell what it is."""

    type: Any = None
    payload: Raw = Raw(b"{}")


class AnyEvent(Struct):
    """Enough of the payload of an `event_msg` to tell what it is."""

    type: Any = None


class Line(Struct, Generic[_Payload]):
    """A line that is read; since 0.169 lines are numbered."""

    timestamp: Instant
    payload: _Payload
    ordinal: int | None = None


class Counts(Struct):
    """What a call took, or a thread so far; `input_tokens` includes the cached and the written ones."""

    input_tokens: Tokens | None = None
    cached_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_output_tokens: Tokens | None = None

    def numbers(self) -> Numbers:
        """The counts in this order, nothing as 0."""
        inputs, cached, written, output, reasoning = (count or 0 for count in msgspec.structs.astuple(self))
        return inputs, cached, written, output, reasoning


class ThreadMeta(Struct):
    """`session_meta`: what a thread is, and which it was made from. `session_id` is its root's id, `timestamp` the
    moment when it was made; lines with an `ordinal` below `subagent_history_start_ordinal` are its parent's."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    session_id: Label | None = None
    forked_from_id: Label | None = None
    parent_thread_id: Label | None = None
    subagent_history_start_ordinal: int | None = None
    timestamp: Instant | None = None
    model_provider: Label | None = None
    source: Any = None
    thread_source: Any = None


class Turn(Struct):
    """`turn_context`, `task_started`, `task_complete`, `turn_aborted`; `started_at` in seconds since 1970."""

    turn_id: Label | None = None
    root_turn_id: Label | None = None
    model: _Model | None = None
    started_at: float | None = None
    duration_ms: Milliseconds | None = None


class Settings(Struct):
    """A tier that is not named stays as it was; one that is null or unknown is the usual one."""

    model: _Model | None = None
    model_provider_id: Label | None = None
    service_tier: str | UnsetType | None = UNSET


class SettingsApplied(Struct):
    """`thread_settings_applied`."""

    thread_settings: Settings


class Totals(Struct):
    """What the thread took so far, and what its last call took."""

    total_token_usage: Counts | None = None
    last_token_usage: Counts | None = None


class TokenCount(Struct):
    """`token_count`; some tell of rate limits only."""

    info: Totals | None = None


class Record(Struct):
    """`token_usage_record`: one response."""

    usage: Counts
    response_id: Key | None = None
    thread_id: Label | None = None


class Message(Struct):
    """`inter_agent_communication_metadata`: a message to a sub-agent."""

    trigger_turn: bool | None = None
